import { useQuery } from "@tanstack/react-query";
import { useCan, useMe } from "@/lib/session";
import { personQuery } from "@/features/identity/queries";

/** Who did it: the name for those who may see people, else the id; what the system did itself as it came. */
export function Person({ id }: { id: string }) {
  const me = useMe();
  const allowed = useCan("identity.users.read");
  const query = useQuery({ ...personQuery(id), enabled: allowed && id.startsWith("usr_") && id !== me.id });
  const user = id === me.id ? me : query.data;
  return user ? `${user.first_name} ${user.last_name}`.trim() || user.email : id;
}
