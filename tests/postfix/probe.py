"""Asks a relay for what it must refuse and prints its reply codes: PORT CA LOGIN DOMAIN."""

import json
import os
import smtplib
import ssl
import sys

port, authority, login, domain = sys.argv[1:]
said = {}
with smtplib.SMTP("127.0.0.1", int(port), timeout=30) as relay:
    relay.ehlo()
    said["auth_before_tls"] = relay.has_extn("auth")
    relay.starttls(context=ssl.create_default_context(cafile=authority))
    relay.ehlo()
    relay.mail(f"recert@{domain}")
    said["recipient_without_login"] = relay.rcpt(f"one@{domain}")[0]
    relay.rset()
    try:
        relay.login(login, "wrong")
    except smtplib.SMTPAuthenticationError as refusal:
        said["wrong_password"] = refusal.smtp_code
    relay.login(login, os.environ["RELAY_PASSWORD"])
    relay.mail(f"recert@{domain}")
    said["recipient"] = relay.rcpt(f"one@{domain}")[0]
    said["recipient_outside"] = relay.rcpt("somebody@outside.example")[0]
    relay.rset()
json.dump(said, sys.stdout)
