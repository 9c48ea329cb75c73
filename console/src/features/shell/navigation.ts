import {
  Activity,
  AppWindow,
  Bot,
  Boxes,
  Building2,
  CalendarClock,
  Cctv,
  ChartColumn,
  DatabaseZap,
  FlaskConical,
  Gauge,
  GraduationCap,
  Headphones,
  KeyRound,
  ListChecks,
  MessageSquareQuote,
  Radio,
  ScrollText,
  Settings,
  SlidersHorizontal,
  SquareTerminal,
  Siren,
  UserCog,
  Users,
  Waypoints,
  Webhook,
  type LucideIcon,
} from "lucide-react";
import type { MessageKey } from "@/lib/i18n";

export interface Place {
  to:
    | "/surveillance"
    | "/surveillance/events"
    | "/surveillance/statistics"
    | "/surveillance/models"
    | "/ml"
    | "/ml/models"
    | "/ml/prompts"
    | "/workspace/members"
    | "/workspace/usage"
    | "/workspace/services"
    | "/workspace/settings"
    | "/admin/users"
    | "/admin/workspaces"
    | "/admin/audit"
    | "/admin/clients"
    | "/admin/keys"
    | "/admin/tasks"
    | "/admin/schedules"
    | "/admin/cache"
    | "/admin/health"
    | "/admin/settings"
    | "/admin/events"
    | "/admin/webhooks";
  label: MessageKey;
  /** A word for it, where there is no room for more. */
  short?: MessageKey;
  icon: LucideIcon;
  /** Shown only to those who may open it; without, to everybody. */
  permission?: string;
  /** Where its pages lie when not below `to`; it is then active for `to` itself and for these. */
  below?: string;
  /** Pages that belong to it though they lie elsewhere. */
  also?: readonly string[];
}

export const SENTINEL: readonly Place[] = [
  { to: "/surveillance", label: "nav.cameras", icon: Cctv, permission: "surveillance.cameras.read", below: "/surveillance/cameras" },
  { to: "/surveillance/events", label: "nav.events", icon: Siren, permission: "surveillance.events.read" },
  { to: "/surveillance/statistics", label: "nav.statistics", icon: ChartColumn, permission: "surveillance.events.read" },
  { to: "/surveillance/models", label: "nav.models", icon: Waypoints, permission: "surveillance.cameras.read" },
];

export const ML: readonly Place[] = [
  { to: "/ml", label: "nav.ml.experiments", icon: FlaskConical, permission: "ml.runs.read", below: "/ml/experiments", also: ["/ml/runs", "/ml/compare", "/ml/traces"] },
  { to: "/ml/models", label: "nav.ml.models", short: "nav.models", icon: Boxes, permission: "ml.models.read" },
  { to: "/ml/prompts", label: "nav.ml.prompts", icon: MessageSquareQuote, permission: "ml.models.read" },
];

const APPLICATIONS = [
  { at: "/surveillance", places: SENTINEL },
  { at: "/ml", places: ML },
] as const;

/** Named here so that the house is seen whole; each says of itself that it is still to come. */
export const TO_COME = [
  { app: "exams", name: "SmartExam", icon: GraduationCap, about: "coming.exams" },
  { app: "lofi", name: "Lofi Studio", icon: Headphones, about: "coming.lofi" },
  { app: "chat", name: "Chat", icon: Bot, about: "coming.chat" },
] as const;

export const WORKSPACE: readonly Place[] = [
  { to: "/workspace/members", label: "nav.members", icon: Users, permission: "identity.users.read", also: ["/workspace/invitations", "/workspace/roles"] },
  { to: "/workspace/services", label: "nav.services", icon: SquareTerminal, permission: "identity.service_accounts.read" },
  { to: "/workspace/usage", label: "nav.usage", icon: Gauge, permission: "identity.quotas.read" },
  { to: "/workspace/settings", label: "nav.workspace", icon: SlidersHorizontal },
];

export const ADMINISTRATION: readonly Place[] = [
  { to: "/admin/users", label: "nav.users", icon: UserCog, permission: "identity.users.read" },
  { to: "/admin/workspaces", label: "nav.workspaces", icon: Building2, permission: "identity.workspaces.write" },
  { to: "/admin/audit", label: "nav.audit", icon: ScrollText, permission: "identity.audit.read" },
  { to: "/admin/clients", label: "nav.clients", icon: AppWindow, permission: "identity.clients.read" },
  { to: "/admin/keys", label: "nav.signingKeys", icon: KeyRound, permission: "identity.signing_keys.read" },
  { to: "/admin/settings", label: "nav.settings", icon: Settings, permission: "admin.settings.read" },
  { to: "/admin/tasks", label: "nav.tasks", icon: ListChecks, permission: "admin.tasks.read", also: ["/admin/queues"] },
  { to: "/admin/schedules", label: "nav.schedules", icon: CalendarClock, permission: "admin.schedules.read" },
  { to: "/admin/webhooks", label: "nav.webhooks", icon: Webhook, permission: "notifications.webhooks.read" },
  { to: "/admin/cache", label: "nav.cache", icon: DatabaseZap, permission: "admin.cache.read" },
  { to: "/admin/events", label: "nav.log", icon: Radio, permission: "admin.events.read" },
  { to: "/admin/health", label: "nav.health", icon: Activity, permission: "admin.system.read" },
];

/** The places that somebody with these permissions may open. */
export function openTo(places: readonly Place[], permissions: readonly string[]): Place[] {
  return places.filter((place) => place.permission === undefined || permissions.includes(place.permission));
}

/** More do not fit under a thumb. */
const QUICK = 3;

/** The first places of the application that an address lies in; of pages that belong to none, those of the first one that is open. */
export function quickPlaces(path: string, permissions: readonly string[]): Place[] {
  const open = APPLICATIONS.map(({ at, places }) => ({ at, places: openTo(places, permissions) })).filter(({ places }) => places.length > 0);
  const here = open.find(({ at }) => path === at || path.startsWith(`${at}/`)) ?? open[0];
  return here?.places.slice(0, QUICK) ?? [];
}

/** Whether an address lies at a place: below it, or at one of those that belong to it. */
export function liesAt(place: Place, path: string): boolean {
  return (place.below !== undefined && path.startsWith(place.below)) || (place.also ?? []).some((also) => path.startsWith(also));
}
