import { Link } from "@tanstack/react-router";
import { useFormat } from "@/lib/format";
import { useT } from "@/lib/i18n";
import { Badge } from "@/ui/badge";
import { traceName } from "@/features/ml/traces";
import type { Assessment, TraceInfo } from "@/features/ml/types";
import { durationMs } from "@/features/ml/waterfall";
import { Since, StatusBadge } from "./bits";

/** Traces, the newest first: what was asked, what was answered, how long it took. */
export function TraceList({ traces }: { traces: readonly TraceInfo[] }) {
  const t = useT();
  const format = useFormat();
  return (
    <ul aria-label={t("ml.traces")} className="divide-y divide-line">
      {traces.map((trace) => {
        const ms = durationMs(trace.execution_duration);
        return (
          <li key={trace.trace_id} className="grid gap-x-4 gap-y-1 px-4 py-2.5 hover:bg-sunken sm:grid-cols-[minmax(0,1fr)_minmax(0,1.2fr)_auto]">
            <div className="min-w-0">
              <Link to="/ml/traces/$traceId" params={{ traceId: trace.trace_id }} className="block truncate font-medium hover:text-accent hover:underline">
                {traceName(trace)}
              </Link>
              <span className="block truncate font-mono text-xs text-muted">{trace.trace_id}</span>
            </div>
            <div className="min-w-0 text-sm">
              <p className="truncate">{trace.request_preview}</p>
              <p className="truncate text-muted">{trace.response_preview}</p>
            </div>
            <div className="flex flex-wrap items-center gap-x-3 gap-y-1 text-sm text-muted sm:flex-col sm:items-end">
              <StatusBadge status={trace.state} />
              <span className="tabular-nums">
                {ms !== undefined && `${format.duration(ms)} · `}
                <Since ms={new Date(trace.request_time).getTime()} />
              </span>
              {trace.assessments && <AssessmentBadges assessments={trace.assessments} />}
            </div>
          </li>
        );
      })}
    </ul>
  );
}

/** The value of feedback, or what was expected, as a text. */
export function assessmentValue(assessment: Assessment): string {
  const expected = assessment.expectation?.value ?? assessment.expectation?.serialized_value?.value;
  const value = assessment.feedback ? (assessment.feedback.error?.error_message ?? assessment.feedback.value) : expected;
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}

function AssessmentBadges({ assessments }: { assessments: readonly Assessment[] }) {
  return (
    <span className="flex flex-wrap gap-1">
      {assessments.filter(({ feedback }) => feedback).slice(0, 3).map((one) => (
        <Badge key={one.assessment_id} tone={one.feedback?.value === true ? "good" : one.feedback?.value === false ? "bad" : "neutral"}>
          {one.assessment_name}: {assessmentValue(one).slice(0, 24)}
        </Badge>
      ))}
    </span>
  );
}
