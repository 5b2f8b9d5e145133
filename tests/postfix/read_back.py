"""Prints the messages of a maildir as JSON, in the order of arrival."""

import email
import email.policy
import hashlib
import json
import pathlib
import sys

# What the relay puts on top of what it was sent.
TRACE = {"return-path", "x-original-to", "delivered-to", "received"}


def as_sent(content):
    """The bytes below the relay's own header lines, with the line ends of the wire."""
    lines = content.split(b"\n")
    index = 0
    while index < len(lines):
        if lines[index].split(b":")[0].decode("ascii", "replace").lower() not in TRACE:
            break
        index += 1
        while index < len(lines) and lines[index][:1] in (b" ", b"\t"):
            index += 1
    return b"\r\n".join(lines[index:])


def part(piece):
    content = piece.get_payload(decode=True) or b""
    told = {
        "type": piece.get_content_type(),
        "disposition": piece.get_content_disposition(),
        "filename": piece.get_filename(),
        "content_id": piece["Content-ID"],
        "encoding": piece["Content-Transfer-Encoding"],
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    if piece.get_content_maintype() == "text":
        told["text"] = content.decode(piece.get_content_charset("ascii"))
    return told


def message(path):
    content = path.read_bytes()
    read = email.message_from_bytes(content, policy=email.policy.default)
    sent = as_sent(content)
    return {
        "return_path": str(read["Return-Path"]).strip("<>"),
        "delivered_to": str(read["Delivered-To"]),
        "sha256": hashlib.sha256(sent).hexdigest(),
        "size": len(sent),
        "headers": [[name, str(value)] for name, value in read.items()],
        "defects": [
            repr(defect)
            for piece in read.walk()
            for defect in [*piece.defects, *(d for value in piece.values() for d in value.defects)]
        ],
        "parts": [part(piece) for piece in read.walk() if not piece.is_multipart()],
    }


arrived = pathlib.Path(sys.argv[1]) / "new"
paths = sorted(arrived.glob("*"), key=lambda path: (path.stat().st_mtime_ns, path.name))
json.dump([message(path) for path in paths], sys.stdout)
