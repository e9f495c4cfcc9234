package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"syscall"
)

// ClickHouse gives each session a random UUID, session_log's auth_id, and login and logout pair by it. chDB replaced that function:
// it returns the process id, the same for all sessions. This file puts a random version 4 UUID back, in memory, for exactly one
// build of the library: the bytes are compared first, and another build is refused.
//
// A patch is a piece of code for one address. Those that only a node of a cluster needs are in replication_linux_amd64.go.
type patch struct {
	name     string
	offset   uintptr // from the library's load address
	want     []byte  // what must be there; 0xcc is the linker's padding behind the function
	anyBytes [2]int  // a range of want that may differ: a relative call's target
	code     []byte
}

var patches = []patch{{
	name:   "auth_id",
	offset: 0x131149c0,
	want: []byte{
		0x50,                         // push rax
		0xe8, 0x00, 0x00, 0x00, 0x00, // call getpid
		0x48, 0x63, 0xd0, // movsxd rdx, eax
		0x31, 0xc0, // xor eax, eax
		0x59, // pop rcx
		0xc3, // ret
		0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc,
		0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc,
	},
	anyBytes: [2]int{2, 6},
	code: []byte{
		0x48, 0x0f, 0xc7, 0xf0, // rdrand rax
		0x73, 0xfa, // jnc back to it: no random number was ready
		0x48, 0x25, 0xff, 0x0f, 0xff, 0xff, // and rax, ~0xf000
		0x48, 0x0d, 0x00, 0x40, 0x00, 0x00, // or rax, 0x4000: version 4
		0x48, 0x0f, 0xc7, 0xf2, // rdrand rdx
		0x73, 0xfa, // jnc back to it
		0x48, 0xc1, 0xe2, 0x02, // shl rdx, 2
		0x48, 0xc1, 0xea, 0x02, // shr rdx, 2
		0x48, 0x0f, 0xba, 0xea, 0x3f, // bts rdx, 63: variant 10
		0xc3, // ret: the UUID's halves are in rax and rdx
	},
}}

// patch applies all patches, or says why this library or processor cannot have one.
func (e *engine) patch() error {
	cpu, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return err
	}
	if !bytes.Contains(cpu, []byte(" rdrand")) {
		return errors.New("this processor has no rdrand instruction, which the auth_id patch needs")
	}
	for _, p := range patches {
		if err := p.apply(e.base + p.offset); err != nil {
			return fmt.Errorf("patch %s: %w", p.name, err)
		}
	}
	return nil
}

func (p patch) apply(address uintptr) error {
	if !p.fits(memory(address, len(p.want))) {
		return errors.New("not the libchdb.so build that this patch is for; run 'make engines' to install the pinned one")
	}
	pageSize := uintptr(os.Getpagesize())
	first := address &^ (pageSize - 1)
	pages := memory(first, int(address-first)+len(p.code))
	if err := syscall.Mprotect(pages, syscall.PROT_READ|syscall.PROT_WRITE|syscall.PROT_EXEC); err != nil {
		return err
	}
	copy(memory(address, len(p.code)), p.code)
	return syscall.Mprotect(pages, syscall.PROT_READ|syscall.PROT_EXEC)
}

func (p patch) fits(found []byte) bool {
	from, to := p.anyBytes[0], p.anyBytes[1]
	return len(p.code) <= len(p.want) && bytes.Equal(found[:from], p.want[:from]) && bytes.Equal(found[to:], p.want[to:])
}
