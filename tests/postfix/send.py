"""Sends one message through a relay and prints the SHA-256 of its bytes: PORT CA LOGIN FILE RECIPIENT..."""

import email.message
import email.policy
import hashlib
import json
import os
import pathlib
import smtplib
import ssl
import sys

port, authority, login, file, *recipients = sys.argv[1:]
file = pathlib.Path(file)

message = email.message.EmailMessage(policy=email.policy.SMTP)
message["From"] = "recert@corp.example"
message["To"] = ", ".join(recipients)
message["Subject"] = "Rezertifizierung: 3 Befunde in \u201ehq\u201c"
message["Date"] = "Mon, 02 Nov 2026 06:00:00 +0000"
message["Message-ID"] = "<parcel-1@corp.example>"
# Lines that a relay could take for its own.
message.set_content("Grüße\n.\n..\nFrom here on\n", cte="base64")
message.add_alternative("<p>Grüße</p>\n", subtype="html", cte="base64")
message.add_attachment(
    file.read_bytes(),
    maintype="application",
    subtype="vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    filename=file.name,
)
content = message.as_bytes()

with smtplib.SMTP("127.0.0.1", int(port), timeout=30) as relay:
    relay.starttls(context=ssl.create_default_context(cafile=authority))
    relay.login(login, os.environ["RELAY_PASSWORD"])
    refused = relay.sendmail("recert@corp.example", recipients, content)
assert not refused, refused
json.dump({"sha256": hashlib.sha256(content).hexdigest()}, sys.stdout)
