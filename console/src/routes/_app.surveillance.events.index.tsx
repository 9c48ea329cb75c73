import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { CheckCheck, Download, Siren } from "lucide-react";
import { useCallback, useState } from "react";
import { EventFilterBar } from "@/features/surveillance/components/event-filters";
import { EventRow } from "@/features/surveillance/components/event-row";
import { csvHref, parseFilters, type EventFilters } from "@/features/surveillance/filters";
import { camerasQuery, eventsQuery, useAcknowledge } from "@/features/surveillance/queries";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { useCan } from "@/lib/session";
import { Button, buttonClass } from "@/ui/button";
import { Checkbox } from "@/ui/field";
import { Page } from "@/ui/page";
import { Denied, Empty, Loaded } from "@/ui/states";
import { toast } from "@/ui/toast";

export const Route = createFileRoute("/_app/surveillance/events/")({
  validateSearch: parseFilters,
  component: Events,
});

function Events() {
  const t = useT();
  const filters = Route.useSearch();
  const navigate = Route.useNavigate();
  const allowed = useCan("surveillance.events.read");
  const sees = useCan("surveillance.cameras.read");
  const cameras = useQuery({ ...camerasQuery, enabled: sees });
  const onChange = useCallback((next: EventFilters) => navigate({ search: next, replace: true }), [navigate]);
  return (
    <Page
      title={t("nav.events")}
      actions={
        allowed && (
          <a href={csvHref(filters)} download className={buttonClass()}>
            <Download aria-hidden className="size-4" />
            CSV
          </a>
        )
      }
    >
      {allowed ? (
        <div className="space-y-4">
          <EventFilterBar filters={filters} cameras={cameras.data ?? []} onChange={onChange} />
          <Feed key={JSON.stringify(filters)} filters={filters} />
        </div>
      ) : (
        <Denied />
      )}
    </Page>
  );
}

function Feed({ filters }: { filters: EventFilters }) {
  const t = useT();
  const query = useInfiniteQuery(eventsQuery(filters));
  const acknowledge = useAcknowledge();
  const allowed = useCan("surveillance.events.acknowledge");
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const filtered = Object.keys(filters).length > 0;
  return (
    <div className="card" data-testid="event-feed">
      <Loaded query={query} rows={10}>
        {(data) => {
          const events = data.pages.flatMap((page) => page.items);
          if (events.length === 0) {
            return (
              <Empty icon={Siren} title={t(filtered ? "events.noMatch" : "events.quiet")}>
                {t(filtered ? "events.noMatchBody" : "events.quietBody")}
              </Empty>
            );
          }
          const open = events.filter((event) => !event.acknowledged);
          const picked = open.filter((event) => chosen.has(event.id)).map((event) => event.id);
          return (
            <>
              {allowed && (
                <div className="sticky top-13 z-10 flex min-h-12 flex-wrap items-center justify-between gap-2 rounded-t-card border-b border-line bg-surface px-4 py-1.5 lg:top-0">
                  <Checkbox
                    isSelected={open.length > 0 && picked.length === open.length}
                    isIndeterminate={picked.length > 0 && picked.length < open.length}
                    isDisabled={open.length === 0}
                    onChange={(all) => setChosen(new Set(all ? open.map((event) => event.id) : []))}
                  >
                    <span className="text-sm text-muted">{picked.length > 0 ? t("events.chosen", { n: picked.length }) : t("events.chooseAll")}</span>
                  </Checkbox>
                  {picked.length > 0 && (
                    <Button
                      small
                      variant="primary"
                      icon={CheckCheck}
                      isPending={acknowledge.isPending}
                      onPress={() =>
                        acknowledge.mutate(
                          { ids: picked },
                          {
                            onSuccess: ({ acknowledged }) => {
                              setChosen(new Set());
                              toast(t("events.acknowledged", { n: acknowledged }));
                            },
                            onError: (error) => toast(toProblem(error).message, "bad"),
                          },
                        )
                      }
                    >
                      {t("event.acknowledge")}
                    </Button>
                  )}
                </div>
              )}
              <ul className="divide-y divide-line">
                {events.map((event) => (
                  <li key={event.id}>
                    <EventRow
                      event={event}
                      lead={
                        allowed && (
                          <Checkbox
                            aria-label={t("events.choose", { camera: event.camera_name })}
                            isDisabled={event.acknowledged != null}
                            isSelected={chosen.has(event.id)}
                            onChange={(on) => {
                              const next = new Set(chosen);
                              if (on) next.add(event.id);
                              else next.delete(event.id);
                              setChosen(next);
                            }}
                          />
                        )
                      }
                    />
                  </li>
                ))}
              </ul>
              {query.hasNextPage && (
                <div className="border-t border-line p-3 text-center">
                  <Button isPending={query.isFetchingNextPage} onPress={() => void query.fetchNextPage()}>
                    {t("events.more")}
                  </Button>
                </div>
              )}
            </>
          );
        }}
      </Loaded>
    </div>
  );
}
