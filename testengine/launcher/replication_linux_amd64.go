package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"unsafe"

	"github.com/ebitengine/purego"
	"github.com/google/uuid"
)

// clickhouse local has all the code of a replica, and its main program leaves three things undone that a server's does: it tells the
// engine no interserver address, opens no interserver listener, and starts no worker for ON CLUSTER. This file does them in memory, for
// exactly one build of the library; everything that is called or replaced is compared first.
//
//   - Context::getInterserverIOAddress becomes a function of ours, which also writes address, scheme and credentials into the
//     ContextSharedPart, where the rest of the engine looks for them.
//   - SYSTEM START LISTEN HTTP opens one listener for each listen_host. The second one gets the interserver's handlers.
//   - The server's UUID is set. With none, replicas take each other's ZooKeeper sessions for their own of an earlier life, and end them.
//   - A DDLWorker is made and started once the listeners are there.

// Where things lie in libchdb.so of @chdb/lib-linux-x64-gnu 26.7.3-stable.1.
const (
	interserverAddress = 0x1417c9c0 // Context::getInterserverIOAddress
	handlersOfHTTP     = 0xf117fec  // the call of createHandlerFactory in LocalServer's HTTP listener
	createHandlers     = 0x18395cc0 // createHandlerFactory
	operatorNew        = 0xeeebe00
	newDDLWorker       = 0x14243400 // DDLWorker::DDLWorker
	startDDLWorker     = 0x14245300 // DDLWorker::startup
	databaseCatalog    = 0x1426b0c0 // DatabaseCatalog::instance
	serverUUID         = 0x228a3a48 // ServerUUID's static

	// Members, from the start of their objects.
	replicatedDDLOn = 0x910 // of DatabaseCatalog
	sharedDDLWorker = 0xd80 // of ContextSharedPart
	sharedHost      = 0x150 // of ContextSharedPart; port and scheme follow
	sharedPort      = 0x168
	sharedScheme    = 0x170
	sharedLogin     = 0x1b0 // of ContextSharedPart: the interserver credentials
	serverContext   = 0x40  // of LocalServer
	sizeOfDDLWorker = 0x2f0
)

// landmarks are the first bytes of the functions that are called as they are.
var landmarks = map[uintptr][]byte{
	createHandlers:  {0x55, 0x41, 0x57, 0x41, 0x56, 0x41, 0x55, 0x41, 0x54, 0x53, 0x48, 0x81, 0xec, 0x98, 0x00, 0x00, 0x00, 0x49, 0x89, 0xcf},
	operatorNew:     {0x41, 0x56, 0x53, 0x48, 0x83, 0xec, 0x18, 0x49, 0x89, 0xfe, 0x48, 0x85, 0xff, 0x74, 0x3f, 0x31, 0xf6},
	newDDLWorker:    {0x55, 0x41, 0x57, 0x41, 0x56, 0x41, 0x55, 0x41, 0x54, 0x53, 0x48, 0x81, 0xec, 0xa8, 0x01, 0x00, 0x00, 0x48, 0x89, 0xcd},
	startDDLWorker:  {0x41, 0x57, 0x41, 0x56, 0x53, 0x48, 0x83, 0xec, 0x20, 0x48, 0x89, 0xfb, 0x31, 0xc0, 0x86, 0x87, 0xc1, 0x01, 0x00, 0x00},
	databaseCatalog: {0x41, 0x56, 0x53, 0x48, 0x83, 0xec, 0x48, 0x48, 0x8b, 0x05, 0x32, 0x0d, 0x64, 0x0e, 0x48, 0x85, 0xc0},
}

// replica makes a node of a cluster of the engine.
type replica struct {
	base  uintptr
	arena *arena
	cell  uintptr // three words that the listener's patch writes: the LocalServer, its configuration, how many listeners there were
}

// newReplica applies the patches. The interserver listener is at host, the second listen_host, and has the number of the HTTP port.
func newReplica(e *engine, dir, host string, port uint16) (*replica, error) {
	for offset, want := range landmarks {
		if !bytes.Equal(memory(e.base+offset, len(want)), want) {
			return nil, errors.New("not the libchdb.so build that the replication patches are for; run 'make engines' to install the pinned one")
		}
	}
	a, err := newArena()
	if err != nil {
		return nil, err
	}
	r := &replica{base: e.base, arena: a}
	if r.cell, err = a.put(make([]byte, 24)); err != nil {
		return nil, err
	}
	address, err := r.addressCode(host, port)
	if err != nil {
		return nil, err
	}
	listener, err := r.listenerCode()
	if err != nil {
		return nil, err
	}
	for _, p := range []patch{addressPatch(address), listenerPatch(listener)} {
		if err := p.apply(e.base + p.offset); err != nil {
			return nil, fmt.Errorf("patch %s: %w", p.name, err)
		}
	}
	return r, r.setUUID(dir)
}

// setUUID gives the server the UUID of the file that a server keeps, made at its first start.
func (r *replica) setUUID(dir string) error {
	file := filepath.Join(dir, "uuid")
	content, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		content = []byte(uuid.NewString())
		err = os.WriteFile(file, content, 0o600)
	}
	if err != nil {
		return err
	}
	id, err := uuid.Parse(strings.TrimSpace(string(content)))
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	to := memory(r.base+serverUUID, 16)
	binary.LittleEndian.PutUint64(to, binary.BigEndian.Uint64(id[:8]))
	binary.LittleEndian.PutUint64(to[8:], binary.BigEndian.Uint64(id[8:]))
	return nil
}

func addressPatch(target uintptr) patch {
	var c code
	c.bytes(0x48, 0xb8).address(target) // movabs rax, target
	c.bytes(0xff, 0xe0)                 // jmp rax
	return patch{
		name:   "interserver address",
		offset: interserverAddress,
		want:   []byte{0x41, 0x56, 0x53, 0x48, 0x83, 0xec, 0x48, 0x4c, 0x8b, 0x36, 0x49, 0x0f, 0xbe, 0x8e, 0x67, 0x01, 0x00, 0x00},
		code:   c,
	}
}

func listenerPatch(target uintptr) patch {
	var c code
	c.bytes(0x48, 0xb8).address(target)          // movabs rax, target
	c.bytes(0xff, 0xd0, 0x0f, 0x1f, 0x00)        // call rax; nop
	want := []byte{0x48, 0x8d, 0x4c, 0x24, 0x20, // lea rcx, [rsp+0x20]: the name of the handlers
		0x4c, 0x8d, 0x44, 0x24, 0x50, // lea r8, [rsp+0x50]
		0xe8, 0xc5, 0xdc, 0x27, 0x09} // call createHandlerFactory
	return patch{name: "interserver listener", offset: handlersOfHTTP, want: want, code: c}
}

// addressCode replaces getInterserverIOAddress: rdi is the pair of host and port to fill, [rsi] the ContextSharedPart.
func (r *replica) addressCode(host string, port uint16) (uintptr, error) {
	hostText, err := text(host)
	if err != nil {
		return 0, err
	}
	scheme, err := text("http")
	if err != nil {
		return 0, err
	}
	login, err := r.credentials()
	if err != nil {
		return 0, err
	}
	var c code
	c.bytes(0x48, 0x8b, 0x06) // mov rax, [rsi]
	for i := range uint32(3) {
		c.bytes(0x48, 0xb9).raw(hostText[8*i : 8*i+8])     // movabs rcx, a third of the text
		c.bytes(0x48, 0x89, 0x4f, byte(8*i))               // mov [rdi+8i], rcx
		c.bytes(0x48, 0x89, 0x88).number(sharedHost + 8*i) // mov [rax+…], rcx
	}
	c.bytes(0x66, 0xc7, 0x47, 0x18).short(port)              // mov word [rdi+0x18], port
	c.bytes(0x66, 0xc7, 0x80).number(sharedPort).short(port) // mov word [rax+…], port
	for i := range uint32(3) {
		c.bytes(0x48, 0xb9).raw(scheme[8*i : 8*i+8])
		c.bytes(0x48, 0x89, 0x88).number(sharedScheme + 8*i)
	}
	c.bytes(0x48, 0xb9).address(login)
	c.bytes(0x48, 0x89, 0x88).number(sharedLogin)
	c.bytes(0x48, 0x89, 0xf8, 0xc3) // mov rax, rdi; ret
	return r.arena.put(c)
}

// credentials is an InterserverCredentials: user, password, and a std::vector of the pairs that are let in, which is one, both empty.
func (r *replica) credentials() (uintptr, error) {
	pair, err := r.arena.put(make([]byte, 48))
	if err != nil {
		return 0, err
	}
	var c code
	c.raw(make([]byte, 48))
	c.address(pair).address(pair + 48).address(pair + 48)
	return r.arena.put(c)
}

// listenerCode calls createHandlerFactory as the code that it stands in for does, with another name for every second listener: hosts
// are opened in their order, at the start and at each SYSTEM START LISTEN HTTP. It notes the server and its configuration.
func (r *replica) listenerCode() (uintptr, error) {
	name, err := r.arena.longText("InterserverIOHTTPHandler-factory")
	if err != nil {
		return 0, err
	}
	var c code
	c.bytes(0x48, 0xb8).address(r.cell)                  // movabs rax, cell
	c.bytes(0x4c, 0x89, 0x30)                            // mov [rax], r14: the LocalServer
	c.bytes(0x48, 0x89, 0x70, 0x08)                      // mov [rax+8], rsi: the configuration
	c.bytes(0x48, 0x8d, 0x4c, 0x24, 0x28)                // lea rcx, [rsp+0x28]: one return address deeper than there
	c.bytes(0x4c, 0x8d, 0x44, 0x24, 0x58)                // lea r8, [rsp+0x58]
	c.bytes(0xff, 0x40, 0x10)                            // inc dword [rax+16]
	c.bytes(0xf7, 0x40, 0x10, 0x01, 0x00, 0x00, 0x00)    // test dword [rax+16], 1
	c.bytes(0x75, 0x0a)                                  // jnz over the next
	c.bytes(0x48, 0xb9).address(name)                    // movabs rcx, name
	c.bytes(0x48, 0xb8).address(r.base + createHandlers) // movabs rax, createHandlerFactory
	c.bytes(0xff, 0xe0)                                  // jmp rax
	return r.arena.put(c)
}

// startDDL makes the worker for ON CLUSTER, as programs/server/Server.cpp does. queue is its path in ZooKeeper.
func (r *replica) startDDL(queue string) error {
	server, config := word(r.cell), word(r.cell+8)
	if server == 0 {
		return errors.New("the HTTP listener was opened without passing the patch")
	}
	context, control := word(server+serverContext), word(server+serverContext+8) // a shared_ptr
	shared := word(context)
	var texts [4]uintptr
	for i, s := range []string{queue, queue + "/replicas", "distributed_ddl", "default"} {
		var err error
		if texts[i], err = r.arena.longText(s); err != nil {
			return err
		}
	}
	name, err := r.arena.longText("DDLWorker")
	if err != nil {
		return err
	}
	atomic.AddInt64((*int64)(unsafe.Pointer(&memory(control+8, 8)[0])), 1) // the constructor takes a reference of its own
	worker, _, _ := purego.SyscallN(r.base+operatorNew, sizeOfDDLWorker)
	const poolSize = 1
	purego.SyscallN(r.base+newDDLWorker, worker, poolSize, texts[0], texts[1], context, control, config, texts[2], texts[3], name, 0, 0)
	atomic.StoreUintptr((*uintptr)(unsafe.Pointer(&memory(shared+sharedDDLWorker, 8)[0])), worker)
	purego.SyscallN(r.base+startDDLWorker, worker)
	catalog, _, _ := purego.SyscallN(r.base + databaseCatalog)
	memory(catalog+replicatedDDLOn, 1)[0] = 1
	return nil
}

// code is machine code in the making.
type code []byte

func (c *code) bytes(b ...byte) *code { return c.raw(b) }
func (c *code) address(a uintptr) *code {
	*c = binary.LittleEndian.AppendUint64(*c, uint64(a))
	return c
}

func (c *code) number(n uint32) *code { *c = binary.LittleEndian.AppendUint32(*c, n); return c }

func (c *code) short(n uint16) { *c = binary.LittleEndian.AppendUint16(*c, n) }

func (c *code) raw(b []byte) *code {
	*c = append(*c, b...)
	return c
}
