# Tests: a file is a test, and its name is the test's name.
#   test/unit/NAME.c         unit.NAME    sees the rooms of src/
#   test/api/NAME.c          api.NAME     sees what an application sees, and the simulator
#   test/system/NAME.sh|py   system.NAME  an executable script around the command
# A folder test/unit/NAME/ is one test of several files. Exit status 77 means skipped.
# A line "# timeout: SECONDS" (or "/* timeout: SECONDS") near its top gives a test more time, and
# "# cost: N" lets it begin before those that cost less: for what waits long and works little.
enable_testing()
find_package(PkgConfig REQUIRED)
pkg_check_modules(cmocka REQUIRED IMPORTED_TARGET cmocka)

add_library(test_support INTERFACE)
target_include_directories(test_support INTERFACE ${top}/test ${top}/test/support)
target_link_libraries(test_support INTERFACE PkgConfig::cmocka)
file(GLOB support_sources CONFIGURE_DEPENDS ${top}/test/support/*.c)

function(test_directive file word usual result)
  file(STRINGS ${file} directive LIMIT_COUNT 1 REGEX "^(#|//|/\\*| \\*) ${word}: [0-9]+")
  string(REGEX MATCH "[0-9]+" value "${directive}")
  if(NOT value)
    set(value ${usual})
  endif()
  set(${result} ${value} PARENT_SCOPE)
endfunction()

function(test_properties name file labels)
  test_directive(${file} timeout 300 seconds)
  test_directive(${file} cost 0 cost)
  set_tests_properties(${name} PROPERTIES LABELS ${labels} SKIP_RETURN_CODE 77 TIMEOUT ${seconds})
  if(cost)
    set_tests_properties(${name} PROPERTIES COST ${cost})
  endif()
endfunction()

# kind, extra include folder or "", libraries...
function(compiled_tests kind folder)
  file(GLOB entries CONFIGURE_DEPENDS ${top}/test/${kind}/*)
  foreach(entry ${entries})
    cmake_path(GET entry STEM name)
    if(IS_DIRECTORY ${entry})
      file(GLOB sources CONFIGURE_DEPENDS ${entry}/*.c)
    elseif(entry MATCHES "\\.c$")
      set(sources ${entry})
    else()
      continue()
    endif()
    if(NOT sources)
      continue()
    endif()
    list(GET sources 0 first)
    add_executable(${kind}_${name} ${sources} ${support_sources})
    target_include_directories(${kind}_${name} PRIVATE ${top}/test/${kind} ${top}/include ${folder})
    target_link_libraries(${kind}_${name} PRIVATE test_support hosted ${ARGN})
    set_target_properties(${kind}_${name} PROPERTIES OUTPUT_NAME ${name}
      RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/test/${kind})
    add_test(NAME ${kind}.${name} COMMAND ${kind}_${name} WORKING_DIRECTORY ${top})
    test_properties(${kind}.${name} ${first} ${kind})
  endforeach()
endfunction()

compiled_tests(unit ${top}/src lastack_static)
if(LASTACK_APP)
  compiled_tests(api "" ${host_parts})
endif()

file(GLOB scripts CONFIGURE_DEPENDS ${top}/test/system/*.sh ${top}/test/system/*.py)
foreach(script ${scripts})
  cmake_path(GET script STEM name)
  execute_process(COMMAND test -x ${script} RESULT_VARIABLE not_executable)
  if(not_executable)
    continue()
  endif()
  add_test(NAME system.${name} COMMAND ${script} WORKING_DIRECTORY ${top})
  test_properties(system.${name} ${script} system)
  set_tests_properties(system.${name} PROPERTIES ENVIRONMENT
    "LASTACK=${CMAKE_BINARY_DIR}/lastack;BUILD=${CMAKE_BINARY_DIR};SOURCE=${top}")
endforeach()
