// gVisor's netstack over a TUN device: port 9 swallows, 19 sends for ever.
//
//	peer_gvisor_tun NAME CC
//
// SACK and RACK are on, and buffers may grow to 4 MiB, as far as the other peers' may. Debian's
// packages are enough: GO111MODULE=off GOPATH=/usr/share/gocode go build.
package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/fdbased"
	"gvisor.dev/gvisor/pkg/tcpip/link/tun"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
)

const (
	kernelAddr = "10.77.0.1"
	stackAddr  = "10.77.0.2"
	mtu        = 1500
	nic        = 1
	bufferMost = 4 << 20
	chunk      = 64 << 10
)

func must(err error, what string) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", what, err)
		os.Exit(1)
	}
}

func mustTCPIP(err tcpip.Error, what string) {
	if err != nil {
		must(fmt.Errorf("%s", err), what)
	}
}

// The kernel's side of the device.
func bringUp(name string) {
	for _, words := range [][]string{
		{"address", "add", kernelAddr + "/24", "dev", name},
		{"link", "set", name, "mtu", fmt.Sprint(mtu), "up"},
	} {
		must(exec.Command("ip", words...).Run(), "ip")
	}
}

func makeStack(fd int, cc string) *stack.Stack {
	s := stack.New(stack.Options{
		NetworkProtocols:   []stack.NetworkProtocolFactory{ipv4.NewProtocol},
		TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol},
	})
	sack := tcpip.TCPSACKEnabled(true)
	moderate := tcpip.TCPModerateReceiveBufferOption(true)
	control := tcpip.CongestionControlOption(cc)
	receive := tcpip.TCPReceiveBufferSizeRangeOption{Min: 4096, Default: 1 << 20, Max: bufferMost}
	send := tcpip.TCPSendBufferSizeRangeOption{Min: 4096, Default: bufferMost, Max: bufferMost}
	for _, option := range []tcpip.SettableTransportProtocolOption{
		&sack, &moderate, &control, &receive, &send,
	} {
		mustTCPIP(s.SetTransportProtocolOption(tcp.ProtocolNumber, option), "option")
	}
	endpoint, err := fdbased.New(&fdbased.Options{FDs: []int{fd}, MTU: mtu})
	must(err, "endpoint")
	mustTCPIP(s.CreateNIC(nic, endpoint), "nic")
	mustTCPIP(s.AddProtocolAddress(nic, tcpip.ProtocolAddress{
		Protocol: ipv4.ProtocolNumber,
		AddressWithPrefix: tcpip.AddressWithPrefix{
			Address: tcpip.Address(net.ParseIP(stackAddr).To4()), PrefixLen: 24,
		},
	}, stack.AddressProperties{}), "address")
	s.SetRouteTable([]tcpip.Route{{Destination: header.IPv4EmptySubnet, NIC: nic}})
	return s
}

func discard(c net.Conn) {
	buffer := make([]byte, chunk)
	for {
		if _, err := c.Read(buffer); err != nil {
			c.Close()
			return
		}
	}
}

func chargen(c net.Conn) {
	buffer := make([]byte, chunk)
	for {
		if _, err := c.Write(buffer); err != nil {
			c.Close()
			return
		}
	}
}

func serve(s *stack.Stack, port uint16, with func(net.Conn)) {
	l, err := gonet.ListenTCP(s, tcpip.FullAddress{NIC: nic, Port: port}, ipv4.ProtocolNumber)
	must(err, "listen")
	for {
		c, err := l.Accept()
		must(err, "accept")
		go with(c)
	}
}

func main() {
	if len(os.Args) != 3 {
		must(fmt.Errorf("NAME CC are wanted"), "usage")
	}
	fd, err := tun.Open(os.Args[1])
	must(err, os.Args[1])
	bringUp(os.Args[1])
	s := makeStack(fd, os.Args[2])
	go serve(s, 9, discard)
	go serve(s, 19, chargen)
	fmt.Println("ready")
	select {}
}
