// A published log read by golang.org/x/mod/sumdb/note and tlog: nothing of the archive service is used.
//
//	check_log DIR VKEY
//
// Every entry is hashed and the tree built again by tlog; its root must be the one that note finds signed, every published tile must be
// what tlog computes, and tlog's own record and tree proofs must hold. The last line of a good log is "LOG OK <size>".
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"check/note"
	"check/tlog"
)

func fail(format string, args ...any) {
	fmt.Printf(format+"\n", args...)
	os.Exit(1)
}

func must(err error) {
	if err != nil {
		fail("%v", err)
	}
}

// name is the path that C2SP tlog-tiles gives a tile: tlog's own has its height in it.
func name(folder string, n int64, width int) string {
	path := fmt.Sprintf("%03d", n%1000)
	for n >= 1000 {
		n /= 1000
		path = fmt.Sprintf("x%03d/%s", n%1000, path)
	}
	if width != 256 {
		path += fmt.Sprintf(".p/%d", width)
	}
	return filepath.Join("tile", folder, path)
}

func main() {
	dir := os.Args[1]
	signed, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	must(err)
	verifier, err := note.NewVerifier(strings.TrimSpace(os.Args[2]))
	must(err)
	opened, err := note.Open(signed, note.VerifierList(verifier))
	must(err)
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() {
		fail("the checkpoint is not of this log: %q", opened.Text)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err)
	root, err := base64.StdEncoding.DecodeString(lines[2])
	must(err)

	var hashes []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		found := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			found[i] = hashes[index]
		}
		return found, nil
	})
	for first := int64(0); first < size; first += 256 {
		width := min(256, size-first)
		bundle, err := os.ReadFile(filepath.Join(dir, name("entries", first/256, int(width))))
		must(err)
		for i := int64(0); i < width; i++ {
			if len(bundle) < 2 || len(bundle) < 2+int(binary.BigEndian.Uint16(bundle)) {
				fail("bundle %d ends early", first/256)
			}
			end := 2 + int(binary.BigEndian.Uint16(bundle))
			stored, err := tlog.StoredHashes(first+i, bundle[2:end], reader)
			must(err)
			hashes = append(hashes, stored...)
			bundle = bundle[end:]
		}
		if len(bundle) != 0 {
			fail("bundle %d has %d bytes too many", first/256, len(bundle))
		}
	}
	tree, err := tlog.TreeHash(size, reader)
	must(err)
	if !bytes.Equal(tree[:], root) {
		fail("the entries have the root %v, not the signed one", tree)
	}
	fmt.Printf("root %x over %d entries, signed by %s\n", tree[:], size, verifier.Name())

	count := 0
	for _, tile := range tlog.NewTiles(8, 0, size) {
		data, err := tlog.ReadTileData(tile, reader)
		must(err)
		published, err := os.ReadFile(filepath.Join(dir, name(strconv.Itoa(tile.L), tile.N, tile.W)))
		must(err)
		if !bytes.Equal(data, published) {
			fail("tile %d/%d differs", tile.L, tile.N)
		}
		count++
	}
	fmt.Printf("%d tiles are the same\n", count)

	for _, n := range []int64{0, size / 3, size - 1} {
		proof, err := tlog.ProveRecord(size, n, reader)
		must(err)
		must(tlog.CheckRecord(proof, size, tree, n, hashes[tlog.StoredHashIndex(0, n)]))
	}
	kept, err := os.ReadDir(filepath.Join(dir, "checkpoints"))
	must(err)
	for _, file := range kept {
		data, err := os.ReadFile(filepath.Join(dir, "checkpoints", file.Name()))
		must(err)
		older, err := note.Open(data, note.VerifierList(verifier))
		must(err)
		lines := strings.Split(older.Text, "\n")
		n, err := strconv.ParseInt(lines[1], 10, 64)
		must(err)
		hash, err := tlog.ParseHash(lines[2])
		must(err)
		proof, err := tlog.ProveTree(size, n, reader)
		must(err)
		must(tlog.CheckTree(proof, size, tree, n, hash))
	}
	fmt.Printf("%d older checkpoints are prefixes\n", len(kept))
	fmt.Printf("LOG OK %d\n", size)
}
