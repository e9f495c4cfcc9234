#!/usr/bin/env python3
"""Checks what sessionlog has sealed, with nothing of sessionlog: Python's own library, and openssl for Ed25519.

    check.py KEY BUNDLE.zip       a bundle of `sessionlog prove`
    check.py KEY vectors.json     a log with all its seals: internal/seal/testdata/vectors.json
"""
import base64, hashlib, json, subprocess, sys, tempfile, zipfile
sha256 = lambda *parts: hashlib.sha256(b"".join(parts)).digest()

def open_head(key, head):
    """The size and root of a signed head (c2sp.org/tlog-checkpoint, c2sp.org/tlog-cosignature)."""
    name, key_id, public = key.split("+", 2)
    public = base64.b64decode(public)
    assert sha256(name.encode(), b"\n", public)[:4].hex() == key_id and public[0] == 4, "the key is not whole"
    text, signatures = head.split("\n\n", 1)
    lines = [line for line in signatures.split("\n") if line.startswith("\u2014 %s " % name)]
    signature = base64.b64decode(lines[0].split(" ")[2])
    assert signature[:4].hex() == key_id, "signed by another key"
    message = "cosignature/v1\ntime %d\n%s\n" % (int.from_bytes(signature[4:12], "big"), text)
    with tempfile.TemporaryDirectory() as folder:
        for file, content in ("key", bytes.fromhex("302a300506032b6570032100") + public[1:]), ("signature", signature[12:]), ("message", message.encode()):
            open(folder + "/" + file, "wb").write(content)
        openssl = "openssl pkeyutl -verify -rawin -pubin -keyform DER -inkey key -sigfile signature -in message"
        assert subprocess.run(openssl.split(), cwd=folder, capture_output=True).returncode == 0, "the signature is wrong"
    _, size, root = text.split("\n")[:3]
    return int(size), base64.b64decode(root)

def tree_root(hashes):  # RFC 6962, section 2.1
    left = 1 << (len(hashes) - 1).bit_length() - 1 if len(hashes) > 1 else 0
    return sha256(b"\1", tree_root(hashes[:left]), tree_root(hashes[left:])) if left else hashes[0]

def root_of_proof(index, last, node, hashes):  # RFC 9162, section 2.1.3.2
    for sibling in hashes:
        assert last > 0, "the proof is too long"
        while index == last and not index & 1 and index:
            index, last = index >> 1, last >> 1
        node = sha256(b"\1", sibling, node) if index & 1 else sha256(b"\1", node, sibling)
        index, last = index >> 1, last >> 1
    assert index == last == 0, "no proof of such a page"
    return node

def entries(page):
    while page:
        length = 41 if page[:1].islower() else 33
        yield page[:length]
        page = page[length:]

def check_bundle(key, bundle):
    record, page, proof = (bundle.read(name) for name in ("record.bin", "page.bin", "record.tlog-proof"))
    path, head = proof.decode().split("\n\n", 1)
    form, index, *hashes = path.split("\n")
    assert form == "c2sp.org/tlog-proof@v1" and index.startswith("index "), "another form of proof"
    size, root = open_head(key, head)
    assert root_of_proof(int(index[6:]), size - 1, sha256(b"\0", page), [base64.b64decode(h) for h in hashes]) == root, "the page is not in the tree"
    assert any(e[:1] in b"ECAeca" and e[17:33] == sha256(record)[:16] for e in entries(page)), "the page has no entry of the record"

def check_vectors(key, log):
    leaves = []
    for seal in log["seals"]:
        manifest = list(entries(bytes.fromhex(seal["manifest"])))
        pages = [b"".join(manifest[i:i + 256]) for i in range(0, len(manifest), 256)]
        assert [sha256(b"\0", page).hex() for page in pages] == seal["page_leaf_hashes"] and seal["first"] == len(leaves), "pages"
        about = ["about %s %d %s" % (log["origin"], len(leaves), base64.b64encode(tree_root(leaves)).decode())] if seal["erased"] else []
        leaves += [sha256(b"\0", page) for page in pages]
        assert open_head(key, seal["head"]) == (len(leaves), tree_root(leaves)) and tree_root(leaves).hex() == seal["root"], "head"
        texts = [b"S" + sha256(text.encode()) for text in seal["texts"].split("\n") if text]
        assert [e for e in manifest if e[:1] == b"S"] == texts and manifest[0] == b"B" + sha256(bytes.fromhex(seal["seed"])), "statements"
        for record in seal["records"]:
            entry = bytes.fromhex(record["entry"])
            hashed = sha256(bytes.fromhex(record["canonical"]), bytes.fromhex(record["nonce"]))
            assert entry in manifest and entry[1:17].hex() == record["record_id"] and entry[17:33] == hashed[:16], "record"
        erased = [e for e in manifest if e[:1] in b"FGfg"]
        assert [e.hex() for e in erased] == seal["erased"] and all(e[17:33] == bytes(16) for e in erased), "erasure"
        assert [text for text in seal["texts"].split("\n") if text.startswith("about ")] == about, "what an erasure is about"

if len(sys.argv) != 3:
    sys.exit(__doc__)
key, file = sys.argv[1:]
try:
    if zipfile.is_zipfile(file):
        check_bundle(key, zipfile.ZipFile(file))
    else:
        check_vectors(key, json.load(open(file)))
except (AssertionError, ValueError, LookupError, zipfile.BadZipFile) as problem:
    sys.exit("not what was sealed: %s" % problem)
print("as it was sealed")
