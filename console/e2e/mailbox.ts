import { expect } from "@playwright/test";
import { createServer, type Server, type Socket } from "node:net";

export interface Mail {
  to: string[];
  /** The whole of it, with what was wrapped or encoded for the way put back. */
  text: string;
}

/** A mail server on this machine that keeps what it is given (RFC 5321, as little of it as a well-behaved client needs). */
export interface Mailbox {
  url: string;
  mails: Mail[];
  /** The link to a page in the last mail to somebody, once it is there: its path and what follows. */
  link: (address: string, path: string) => Promise<string>;
  close: () => void;
}

export async function openMailbox(): Promise<Mailbox> {
  const mails: Mail[] = [];
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => undefined);
    serve(socket, (mail) => mails.push(mail));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || !address) throw new Error("no port");
  const close = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  const link = async (address: string, path: string) => {
    const found = () =>
      mails
        .filter((mail) => mail.to.includes(address))
        .map((mail) => new RegExp(`${path}\\?token=[\\w.~%-]+`).exec(mail.text)?.[0])
        .filter((one) => one !== undefined)
        .at(-1);
    await expect.poll(found, { timeout: 30_000, message: `a mail to ${address} with ${path}` }).toBeTruthy();
    return found()!;
  };
  return { link, url: `smtp://127.0.0.1:${address.port}?tls=none`, mails, close };
}

function serve(socket: Socket, keep: (mail: Mail) => void) {
  let held = "";
  let body: string | null = null;
  let to: string[] = [];
  const say = (line: string) => socket.write(`${line}\r\n`);
  say("220 mailbox ready");
  socket.on("data", (data) => {
    held += data.toString("latin1");
    for (let end = held.indexOf("\r\n"); end >= 0; end = held.indexOf("\r\n")) {
      const line = held.slice(0, end);
      held = held.slice(end + 2);
      if (body !== null) {
        if (line === ".") {
          keep({ to, text: readable(body) });
          [body, to] = [null, []];
          say("250 kept");
        } else body += `${line.replace(/^\./, "")}\r\n`;
        continue;
      }
      const verb = line.split(/[ :]/)[0]!.toUpperCase();
      if (verb === "EHLO") socket.write("250-mailbox\r\n250 8BITMIME\r\n");
      else if (verb === "RCPT") {
        to.push(/<([^>]*)>/.exec(line)?.[1] ?? "");
        say("250 ok");
      } else if (verb === "DATA") {
        body = "";
        say("354 go on");
      } else if (verb === "QUIT") {
        say("221 bye");
        socket.end();
      } else say("250 ok");
    }
  });
}

/** Quoted-printable and base64 parts as what they say. */
function readable(raw: string): string {
  const plain = raw.replace(/=\r\n/g, "").replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  const decoded = [...raw.matchAll(/base64\r\n\r\n([A-Za-z0-9+/=\r\n]+)/g)].map(([, text]) => Buffer.from(text!, "base64").toString());
  return [plain, ...decoded].join("\n");
}
