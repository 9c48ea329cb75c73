#!/usr/bin/env python3
"""A mail server that delivers nothing: prints every mail that it takes as a line of JSON.

The first line is {"port": …}. Needs aiosmtpd, and trustme for --starttls (scripts/requirements-test.txt).

  --starttls CA.pem     offers STARTTLS, and requires it; writes the certificate of the signing authority there
  --auth USER:PASSWORD  wants a log-in
  --defer N             answers 451 to the first N mails
  --refuse              answers 550 to every recipient
  --hang                takes connections and says nothing
"""
import argparse
import asyncio
import email
import email.policy
import json
import ssl


def say(value):
    print(json.dumps(value), flush=True)


def parsed(content):
    """What Python's own parser makes of a mail."""
    message = email.message_from_bytes(content, policy=email.policy.default)

    def part(kind):
        found = message.get_body(preferencelist=(kind,))
        return None if found is None else found.get_content()

    return {
        "from": message["from"],
        "to": message["to"],
        "subject": message["subject"],
        "headers": {name.lower(): str(value) for name, value in message.items()},
        "kind": message.get_content_type(),
        "parts": [inner.get_content_type() for inner in message.walk() if not inner.is_multipart()],
        "text": part("plain"),
        "html": part("html"),
        "defects": [repr(defect) for inner in message.walk() for defect in inner.defects],
    }


class Sink:
    def __init__(self, options):
        self.deferred = options.defer
        self.refuse = options.refuse

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        if self.refuse:
            return "550 5.1.1 there is nobody of this name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.deferred > 0:
            self.deferred -= 1
            say({"deferred": True})
            return "451 4.3.0 come back later"
        login = getattr(session, "auth_data", None)
        mail = parsed(envelope.content)
        mail["rcpt"] = envelope.rcpt_tos
        mail["tls"] = session.ssl is not None
        mail["user"] = login.login.decode() if login else None
        say(mail)
        return "250 OK"


def certificate(ca_file):
    import trustme

    authority = trustme.CA()
    authority.cert_pem.write_to_path(ca_file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    return context


async def hang(reader, writer):
    say({"connected": True})
    await reader.read()


async def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--starttls", metavar="CA.pem")
    parser.add_argument("--auth", metavar="USER:PASSWORD")
    parser.add_argument("--defer", type=int, default=0)
    parser.add_argument("--refuse", action="store_true")
    parser.add_argument("--hang", action="store_true")
    options = parser.parse_args()

    if options.hang:
        server = await asyncio.start_server(hang, "127.0.0.1", 0)
    else:
        from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

        def authenticate(server, session, envelope, mechanism, data):
            user, _, password = options.auth.partition(":")
            fits = isinstance(data, LoginPassword) and data == LoginPassword(user.encode(), password.encode())
            return AuthResult(success=fits, handled=False, auth_data=data if fits else None)

        settings = {"hostname": "localhost", "enable_SMTPUTF8": True}
        if options.starttls:
            settings |= {"tls_context": certificate(options.starttls), "require_starttls": True}
        if options.auth:
            settings |= {
                "authenticator": authenticate,
                "auth_required": True,
                "auth_require_tls": bool(options.starttls),
            }
        sink = Sink(options)
        server = await asyncio.get_running_loop().create_server(lambda: SMTP(sink, **settings), "127.0.0.1", 0)
    say({"port": server.sockets[0].getsockname()[1]})
    await server.serve_forever()


asyncio.run(main())
