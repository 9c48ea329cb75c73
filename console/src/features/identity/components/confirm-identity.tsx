import { useQuery } from "@tanstack/react-query";
import { KeyRound } from "lucide-react";
import { useState } from "react";
import { answerConfirmation, useConfirmationAsked } from "@/lib/confirmation";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { meQuery } from "@/lib/session";
import { passkeysWork, wasDismissed } from "@/lib/webauthn";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { TextField } from "@/ui/field";
import { Notice } from "@/ui/notice";
import { Loading } from "@/ui/states";
import { securityQuery, useConfirm } from "@/features/identity/account";

/** "Confirm it is you", over whatever page was asked: the request that wanted it goes out again after. */
export function ConfirmIdentity() {
  const t = useT();
  const asked = useConfirmationAsked();
  return (
    <Dialog title={t("confirm.title")} isOpen={asked} onClose={() => answerConfirmation(false)}>
      {asked && <Proof />}
    </Dialog>
  );
}

type Way = "password" | "code" | "passkey";

function Proof() {
  const t = useT();
  const me = useQuery(meQuery);
  const security = useQuery(securityQuery);
  const confirm = useConfirm();
  const [chosen, setChosen] = useState<Way | null>(null);
  const [text, setText] = useState("");
  if (security.isPending) return <Loading rows={3} />;
  const has = security.data;
  const ways: Way[] = [
    ...(has?.password !== false ? (["password"] as const) : []),
    ...(has && has.passkeys > 0 && passkeysWork() ? (["passkey"] as const) : []),
    ...(has?.totp.enabled ? (["code"] as const) : []),
  ];
  const way = chosen ?? ways[0] ?? "password";
  const problem = confirm.isError && !wasDismissed(confirm.error) ? toProblem(confirm.error) : null;
  const proven = { onSuccess: () => answerConfirmation(true) };
  return (
    <form
      className="space-y-4"
      onSubmit={(event) => {
        event.preventDefault();
        // The dialog may stand over another form, which has nothing to do with this.
        event.stopPropagation();
        confirm.mutate(way === "passkey" ? null : way === "code" ? { code: text } : { password: text }, proven);
      }}
    >
      <p className="text-muted">{t("confirm.body")}</p>
      <input type="text" name="username" autoComplete="username" value={me.data?.email ?? ""} readOnly hidden />
      {way === "password" && <TextField key={way} label={t("password")} type="password" name="password" autoComplete="current-password" isRequired autoFocus value={text} onChange={setText} />}
      {way === "code" && <TextField key={way} label={t("second.code")} hint={t("second.codeHint")} name="code" inputMode="numeric" autoComplete="one-time-code" maxLength={40} isRequired autoFocus mono value={text} onChange={setText} />}
      {problem && <Notice problem={problem} />}
      <div className="flex flex-wrap items-center justify-between gap-2">
        <span className="flex flex-wrap gap-x-4">
          {ways
            .filter((one) => one !== way)
            .map((one) => (
              <button
                key={one}
                type="button"
                className="cursor-pointer text-sm text-accent hover:underline"
                onClick={() => {
                  setChosen(one);
                  setText("");
                  confirm.reset();
                }}
              >
                {t(`confirm.instead.${one}`)}
              </button>
            ))}
        </span>
        <span className="ml-auto flex gap-2">
          <Button onPress={() => answerConfirmation(false)}>{t("cancel")}</Button>
          <Button type="submit" variant="primary" icon={way === "passkey" ? KeyRound : undefined} isPending={confirm.isPending} isDisabled={way !== "passkey" && text === ""}>
            {t(way === "passkey" ? "confirm.usePasskey" : "confirm.submit")}
          </Button>
        </span>
      </div>
    </form>
  );
}
