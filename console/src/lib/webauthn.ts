// The browser speaks of keys in bytes, the server in JSON (base64url): this stands between (WebAuthn §5.1.7 and after).

export function toBytes(text: string): Uint8Array<ArrayBuffer> {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (sign) => sign.charCodeAt(0));
}

export function fromBytes(bytes: ArrayBuffer | Uint8Array): string {
  let plain = "";
  for (const byte of new Uint8Array(bytes)) plain += String.fromCharCode(byte);
  return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

interface Named {
  id: string;
  type: string;
  transports?: string[];
}

/** What the server sends to make a key or to ask for one; `publicKey` may stand around it. */
export type Options = object;

/** Sent as it is: the generated types know an object without fields by this name. */
export type CredentialJson = Record<string, never>;

const descriptor = (one: Named): PublicKeyCredentialDescriptor => ({
  id: toBytes(one.id),
  type: "public-key",
  ...(one.transports ? { transports: one.transports as AuthenticatorTransport[] } : {}),
});

function inner(options: Options): unknown {
  return "publicKey" in options ? options.publicKey : options;
}

export function creationOptions(options: Options): PublicKeyCredentialCreationOptions {
  const given = inner(options) as PublicKeyCredentialCreationOptionsJSON;
  return {
    ...(given as unknown as PublicKeyCredentialCreationOptions),
    challenge: toBytes(given.challenge),
    user: { ...given.user, id: toBytes(given.user.id) },
    excludeCredentials: (given.excludeCredentials ?? []).map((one) => descriptor(one)),
  };
}

export function requestOptions(options: Options): PublicKeyCredentialRequestOptions {
  const given = inner(options) as PublicKeyCredentialRequestOptionsJSON;
  return {
    ...(given as unknown as PublicKeyCredentialRequestOptions),
    challenge: toBytes(given.challenge),
    allowCredentials: (given.allowCredentials ?? []).map((one) => descriptor(one)),
  };
}

/** The credential as the server reads it (`RegistrationResponseJSON`, `AuthenticationResponseJSON`). */
export function credentialJson(credential: PublicKeyCredential): CredentialJson {
  const { response } = credential;
  const made = response as AuthenticatorAttestationResponse;
  const shown = response as AuthenticatorAssertionResponse;
  return {
    id: credential.id,
    rawId: fromBytes(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment,
    clientExtensionResults: credential.getClientExtensionResults(),
    response:
      "attestationObject" in response
        ? { clientDataJSON: fromBytes(response.clientDataJSON), attestationObject: fromBytes(made.attestationObject), transports: made.getTransports?.() ?? [] }
        : {
            clientDataJSON: fromBytes(response.clientDataJSON),
            authenticatorData: fromBytes(shown.authenticatorData),
            signature: fromBytes(shown.signature),
            userHandle: shown.userHandle ? fromBytes(shown.userHandle) : null,
          },
  } as unknown as CredentialJson;
}

/** Browsers lend passkeys to HTTPS and to `localhost` only. */
export function passkeysWork(): boolean {
  return window.isSecureContext && typeof window.PublicKeyCredential === "function";
}

/** Whether the browser can offer keys in the list that opens at the field of the address. */
export async function offersKeysInField(): Promise<boolean> {
  return passkeysWork() && (await window.PublicKeyCredential.isConditionalMediationAvailable?.().catch(() => false)) === true;
}

export async function makeKey(options: Options): Promise<CredentialJson> {
  const made = await navigator.credentials.create({ publicKey: creationOptions(options) });
  if (!(made instanceof PublicKeyCredential)) throw new DOMException("no key was made", "NotAllowedError");
  return credentialJson(made);
}

export async function askForKey(options: Options, conditional?: AbortSignal): Promise<CredentialJson> {
  const shown = await navigator.credentials.get({
    publicKey: requestOptions(options),
    ...(conditional ? { mediation: "conditional" as const, signal: conditional } : {}),
  });
  if (!(shown instanceof PublicKeyCredential)) throw new DOMException("no key was shown", "NotAllowedError");
  return credentialJson(shown);
}

/** The person closed the browser's window, or let it time out: nothing to report. */
export function wasDismissed(error: unknown): boolean {
  return error instanceof DOMException && (error.name === "NotAllowedError" || error.name === "AbortError");
}

/** This authenticator holds a key of the account already. */
export function isHeldAlready(error: unknown): boolean {
  return error instanceof DOMException && error.name === "InvalidStateError";
}
