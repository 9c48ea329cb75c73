import { useQuery } from "@tanstack/react-query";
import { createFileRoute, useRouter } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import type { Me } from "@/api/types";
import { Door } from "@/features/identity/components/door";
import { DoorFault } from "@/features/identity/components/door-fault";
import { secondStepIn, type SecondStep } from "@/features/identity/doors";
import { SecondStepForm } from "@/features/identity/forms/second-step-form";
import { SignInForm } from "@/features/identity/forms/sign-in-form";
import { firstRunQuery } from "@/features/identity/queries";
import { adoptLocale, useT } from "@/lib/i18n";
import { installationQuery } from "@/lib/installation";
import { safeNext } from "@/lib/safe-next";
import { textOf } from "@/lib/search";
import { Notice } from "@/ui/notice";

interface Search {
  next?: string;
  /** Why another provider did not let in, by name. */
  error?: string;
  email?: string;
}

export const Route = createFileRoute("/login")({
  validateSearch: (search: Record<string, unknown>): Search => ({
    next: typeof search.next === "string" ? safeNext(search.next) : undefined,
    error: textOf(search.error),
    email: textOf(search.email),
  }),
  component: Login,
});

function Login() {
  const t = useT();
  const { next: asked = "/", error, email } = Route.useSearch();
  const router = useRouter();
  const [brought] = useState(() => secondStepIn(location.hash));
  const [step, setStep] = useState<SecondStep | null>(brought);
  const next = brought?.next ?? asked;
  useEffect(() => {
    // A challenge is not kept in the address, nor in the history.
    if (brought) history.replaceState(history.state, "", location.pathname + location.search);
  }, [brought]);
  const onIn = (me: Me) => {
    adoptLocale(me.locale);
    router.history.push(safeNext(next));
  };
  if (step) {
    return (
      <Door title={t("second.title")} intro={t("second.intro")}>
        <SecondStepForm step={step} onIn={onIn} onBack={() => setStep(null)} />
      </Door>
    );
  }
  return (
    <Door title={t("login.title")}>
      <div className="space-y-4">
        <Notices error={error} />
        <SignInForm email={email} next={next} onIn={onIn} onSecondStep={setStep} />
      </div>
    </Door>
  );
}

function Notices({ error }: { error: string | undefined }) {
  const t = useT();
  const firstRun = useQuery(firstRunQuery);
  const installation = useQuery(installationQuery);
  return (
    <>
      {installation.data?.sign_in_notice && (
        <Notice>
          <p className="break-words whitespace-pre-line">{installation.data.sign_in_notice}</p>
        </Notice>
      )}
      {firstRun.data?.required && <Notice>{t("login.firstRun")}</Notice>}
      {error && <DoorFault code={error} />}
    </>
  );
}
