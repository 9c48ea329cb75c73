import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { KeyRound } from "lucide-react";
import { useState } from "react";
import type { Me } from "@/api/types";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { useSignIn } from "@/lib/session";
import { passkeysWork, wasDismissed } from "@/lib/webauthn";
import { Button, buttonClass } from "@/ui/button";
import { TextField } from "@/ui/field";
import { Notice } from "@/ui/notice";
import { optionsQuery, secondStepOf, usePasskeySignIn, type SecondStep } from "@/features/identity/doors";
import { useKeysInField } from "@/features/identity/conditional";

interface Props {
  /** Filled in where it is known, as from an invitation. */
  email?: string;
  next: string;
  onIn: (me: Me) => void;
  onSecondStep: (step: SecondStep) => void;
}

/** The address and the password; beside them the other ways in that this installation has. */
export function SignInForm({ email: known = "", next, onIn, onSecondStep }: Props) {
  const t = useT();
  const options = useQuery(optionsQuery);
  const signIn = useSignIn();
  const passkey = usePasskeySignIn();
  const [email, setEmail] = useState(known);
  const [password, setPassword] = useState("");
  const keys = options.data?.passkeys === true && passkeysWork();
  const stopOffering = useKeysInField(keys, onIn);
  const problem = signIn.isError ? toProblem(signIn.error) : null;
  const refused = problem && problem.code !== "identity.second-factor-required";
  const providers = options.data?.providers ?? [];
  return (
    <div className="space-y-5">
      <form
        className="space-y-4"
        onSubmit={(event) => {
          event.preventDefault();
          passkey.reset();
          signIn.mutate(
            { email, password },
            {
              onSuccess: onIn,
              onError: (error) => {
                const step = secondStepOf(toProblem(error));
                if (!step) return;
                stopOffering();
                onSecondStep(step);
              },
            },
          );
        }}
      >
        <TextField label={t("email")} type="email" name="username" autoComplete={keys ? "username webauthn" : "username"} isRequired autoFocus={known === ""} value={email} onChange={setEmail} />
        <div>
          <TextField label={t("password")} type="password" name="password" autoComplete="current-password" isRequired autoFocus={known !== ""} value={password} onChange={setPassword} />
          <p className="mt-1.5 text-sm">
            {options.data && !options.data.password_reset ? (
              <span className="text-muted">{t("login.forgot")}</span>
            ) : (
              <Link to="/forgot" search={email ? { email } : {}} className="text-accent hover:underline">
                {t("login.forgotten")}
              </Link>
            )}
          </p>
        </div>
        {refused && <Notice problem={problem} />}
        <Button type="submit" variant="primary" className="w-full" isPending={signIn.isPending}>
          {t("login.submit")}
        </Button>
      </form>
      {(keys || providers.length > 0) && (
        <>
          <p className="flex items-center gap-3 text-sm text-muted">
            <span aria-hidden className="h-px flex-1 bg-line" />
            {t("login.or")}
            <span aria-hidden className="h-px flex-1 bg-line" />
          </p>
          <div className="space-y-2.5">
            {keys && (
              <Button
                icon={KeyRound}
                className="w-full"
                isPending={passkey.isPending}
                onPress={() => {
                  stopOffering();
                  signIn.reset();
                  passkey.mutate(undefined, { onSuccess: onIn });
                }}
              >
                {t("login.passkey")}
              </Button>
            )}
            {passkey.isError && !wasDismissed(passkey.error) && <Notice problem={toProblem(passkey.error)} />}
            {providers.map((provider) => (
              <a key={provider.id} href={`/api/v1/auth/providers/${encodeURIComponent(provider.id)}/start?${new URLSearchParams({ next }).toString()}`} className={`${buttonClass()} w-full`}>
                {t("login.with", { name: provider.name })}
              </a>
            ))}
          </div>
        </>
      )}
      {options.data?.registration === "open" && (
        <p className="text-muted">
          {t("login.noAccount")}{" "}
          <Link to="/signup" className="text-accent underline">
            {t("signup.title")}
          </Link>
        </p>
      )}
    </div>
  );
}
