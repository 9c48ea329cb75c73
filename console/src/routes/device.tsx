import { createFileRoute } from "@tanstack/react-router";
import { MonitorSmartphone } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { ConsentSheet } from "@/features/access/components/consent-sheet";
import { useAnswerDevice, useLookUpDevice } from "@/features/access/queries";
import { userCode } from "@/features/access/user-code";
import { Door } from "@/features/identity/components/door";
import { NotYou } from "@/features/identity/components/not-you";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { textOf } from "@/lib/search";
import { needSignIn } from "@/lib/signed-in";
import { Button } from "@/ui/button";
import { TextField } from "@/ui/field";
import { Notice } from "@/ui/notice";

export const Route = createFileRoute("/device")({
  validateSearch: (search: Record<string, unknown>): { user_code?: string } => ({ user_code: textOf(search.user_code) }),
  beforeLoad: needSignIn,
  component: Device,
});

/** Enter the code, see who asks, allow: in that order, also where the link brought the code. */
function Device() {
  const t = useT();
  const { user_code = "" } = Route.useSearch();
  const [code, setCode] = useState(userCode(user_code));
  const lookUp = useLookUpDevice();
  const answer = useAnswerDevice();
  if (answer.isSuccess) {
    return (
      <Door title={t(answer.variables.yes ? "device.done" : "device.denied")}>
        <Done text={t(answer.variables.yes ? "device.doneBody" : "device.deniedBody")} />
      </Door>
    );
  }
  if (lookUp.data) {
    return (
      <Door title={t("consent.title", { name: lookUp.data.client.name })}>
        <div className="space-y-4">
          <Notice>
            <p>{t("device.check")}</p>
            <p className="mt-1 font-mono text-lg tracking-widest">{code}</p>
          </Notice>
          {answer.isError && <Notice problem={toProblem(answer.error)} />}
          <ConsentSheet consent={lookUp.data} isPending={answer.isPending} onAnswer={(yes) => answer.mutate({ user_code: code, yes })} />
        </div>
        <NotYou />
      </Door>
    );
  }
  return (
    <Door title={t("device.title")} intro={t("device.intro")}>
      <form
        className="space-y-4"
        onSubmit={(event) => {
          event.preventDefault();
          lookUp.mutate(code);
        }}
      >
        <TextField label={t("device.code")} hint={t("device.codeHint")} name="user_code" autoComplete="off" spellCheck="false" isRequired autoFocus mono className="[&_input]:h-12 [&_input]:text-center [&_input]:text-lg [&_input]:tracking-[0.3em]" value={code} onChange={(typed) => setCode(userCode(typed))} />
        {lookUp.isError && <Notice problem={toProblem(lookUp.error)} />}
        <Button type="submit" variant="primary" className="w-full" isPending={lookUp.isPending} isDisabled={code.length < 5}>
          {t("device.submit")}
        </Button>
      </form>
      <NotYou />
    </Door>
  );
}

/** The focus comes along, so that the end is read. */
function Done({ text }: { text: string }) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => box.current?.focus(), []);
  return (
    <div ref={box} tabIndex={-1} role="status" className="card flex items-start gap-3 p-4 outline-none">
      <MonitorSmartphone aria-hidden className="mt-0.5 size-5 shrink-0 text-accent" strokeWidth={1.75} />
      <p>{text}</p>
    </div>
  );
}
