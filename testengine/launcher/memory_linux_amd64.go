package main

import (
	"encoding/binary"
	"errors"
	"syscall"
	"unsafe"
)

// memory is what lies at an address of the library, or of the arena, as bytes. It was mapped by the linker or by us, so the garbage
// collector neither owns nor moves it.
func memory(address uintptr, n int) []byte {
	pointer := *(*unsafe.Pointer)(unsafe.Pointer(&address)) // vet takes a direct conversion for a mistake
	return unsafe.Slice((*byte)(pointer), n)
}

// word reads a pointer of the engine's.
func word(address uintptr) uintptr {
	return uintptr(binary.LittleEndian.Uint64(memory(address, 8)))
}

const arenaSize = 1 << 16

// arena is executable memory for code and C++ values that the library keeps for ever.
type arena struct {
	all  []byte
	used int
}

func newArena() (*arena, error) {
	all, err := syscall.Mmap(-1, 0, arenaSize, syscall.PROT_READ|syscall.PROT_WRITE|syscall.PROT_EXEC, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	return &arena{all: all}, err
}

var errArena = errors.New("the arena is full")

// put copies b into the arena, aligned as malloc would, and returns where it lies.
func (a *arena) put(b []byte) (uintptr, error) {
	at := (a.used + 15) &^ 15
	if at+len(b) > len(a.all) {
		return 0, errArena
	}
	a.used = at + copy(a.all[at:], b)
	return uintptr(unsafe.Pointer(&a.all[at])), nil
}

// inlineText is how much a std::string of libc++ (alternate layout) holds within its 24 bytes.
const inlineText = 22

// text is a short std::string: the characters, and their number in the last byte.
func text(s string) ([]byte, error) {
	if len(s) > inlineText {
		return nil, errors.New("a text of the engine's configuration is longer than 22 bytes: " + s)
	}
	b := make([]byte, 24)
	copy(b, s)
	b[23] = byte(len(s))
	return b, nil
}

// longText is a std::string of any length, its characters in the arena.
func (a *arena) longText(s string) (uintptr, error) {
	if len(s) <= inlineText {
		b, _ := text(s)
		return a.put(b)
	}
	at, err := a.put(append([]byte(s), 0))
	if err != nil {
		return 0, err
	}
	b := binary.LittleEndian.AppendUint64(nil, uint64(at))
	b = binary.LittleEndian.AppendUint64(b, uint64(len(s)))
	return a.put(binary.LittleEndian.AppendUint64(b, uint64(len(s)+1)|1<<63))
}
