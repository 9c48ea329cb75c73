import {
  Activity,
  Bot,
  BrainCircuit,
  CalendarClock,
  Cctv,
  ChartColumn,
  DatabaseZap,
  GraduationCap,
  Headphones,
  ListChecks,
  Radio,
  Settings,
  Siren,
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
    | "/admin/users"
    | "/admin/tasks"
    | "/admin/schedules"
    | "/admin/cache"
    | "/admin/health"
    | "/admin/settings"
    | "/admin/events"
    | "/admin/webhooks";
  label: MessageKey;
  icon: LucideIcon;
  /** Shown only to those who may open it. */
  permission: string;
  /** Where its pages lie when not below `to`; it is then active for `to` itself and for these. */
  below?: string;
  /** A page that belongs to it though it lies elsewhere. */
  also?: string;
}

export const SENTINEL: readonly Place[] = [
  { to: "/surveillance", label: "nav.cameras", icon: Cctv, permission: "surveillance.cameras.read", below: "/surveillance/cameras" },
  { to: "/surveillance/events", label: "nav.events", icon: Siren, permission: "surveillance.events.read" },
  { to: "/surveillance/statistics", label: "nav.statistics", icon: ChartColumn, permission: "surveillance.events.read" },
  { to: "/surveillance/models", label: "nav.models", icon: Waypoints, permission: "surveillance.cameras.read" },
];

/** Named here so that the house is seen whole; each says of itself that it is still to come. */
export const TO_COME = [
  { app: "exams", name: "SmartExam", icon: GraduationCap, about: "coming.exams" },
  { app: "lofi", name: "Lofi Studio", icon: Headphones, about: "coming.lofi" },
  { app: "chat", name: "Chat", icon: Bot, about: "coming.chat" },
  { app: "ml", name: "ML", icon: BrainCircuit, about: "coming.ml" },
] as const;

export const ADMINISTRATION: readonly Place[] = [
  { to: "/admin/users", label: "nav.users", icon: Users, permission: "identity.users.read" },
  { to: "/admin/settings", label: "nav.settings", icon: Settings, permission: "admin.settings.read" },
  { to: "/admin/tasks", label: "nav.tasks", icon: ListChecks, permission: "admin.tasks.read", also: "/admin/queues" },
  { to: "/admin/schedules", label: "nav.schedules", icon: CalendarClock, permission: "admin.schedules.read" },
  { to: "/admin/webhooks", label: "nav.webhooks", icon: Webhook, permission: "notifications.webhooks.read" },
  { to: "/admin/cache", label: "nav.cache", icon: DatabaseZap, permission: "admin.cache.read" },
  { to: "/admin/events", label: "nav.log", icon: Radio, permission: "admin.events.read" },
  { to: "/admin/health", label: "nav.health", icon: Activity, permission: "admin.system.read" },
];
