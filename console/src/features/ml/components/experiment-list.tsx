import { Link } from "@tanstack/react-router";
import { useT } from "@/lib/i18n";
import type { Experiment } from "@/features/ml/types";
import { Since } from "./bits";
import { NOTE_TAG } from "./note";
import { Tags } from "./tags";

const cell = "px-4 py-2.5 align-top";

export function ExperimentList({ experiments }: { experiments: readonly Experiment[] }) {
  const t = useT();
  return (
    <div className="relative overflow-x-auto">
      <table className="w-full text-left">
        <thead className="text-sm text-muted">
          <tr className="border-b border-line">
            <th scope="col" className="px-4 py-2 font-medium">
              {t("ml.name")}
            </th>
            <th scope="col" className="hidden px-4 py-2 font-medium md:table-cell">
              {t("ml.tags")}
            </th>
            <th scope="col" className="hidden px-4 py-2 font-medium sm:table-cell">
              {t("created")}
            </th>
            <th scope="col" className="px-4 py-2 font-medium">
              {t("ml.updated")}
            </th>
          </tr>
        </thead>
        <tbody className="divide-y divide-line">
          {experiments.map((experiment) => (
            <tr key={experiment.experiment_id} className="hover:bg-sunken">
              <th scope="row" className={`${cell} w-full max-w-0 font-normal sm:w-auto sm:max-w-96`}>
                <Link to="/ml/experiments/$experimentId" params={{ experimentId: experiment.experiment_id }} className="block truncate font-medium hover:text-accent hover:underline">
                  {experiment.name}
                </Link>
                <span className="line-clamp-1 text-sm text-muted">{experiment.tags?.find(({ key }) => key === NOTE_TAG)?.value}</span>
              </th>
              <td className={`${cell} hidden max-w-72 md:table-cell`}>
                <Tags tags={experiment.tags ?? []} label={t("ml.tags")} />
              </td>
              <td className={`${cell} hidden whitespace-nowrap text-muted sm:table-cell`}>
                <Since ms={experiment.creation_time} />
              </td>
              <td className={`${cell} whitespace-nowrap text-muted`}>
                <Since ms={experiment.last_update_time} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
