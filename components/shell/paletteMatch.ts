export interface Destination {
  /** Where it goes, or the name of the dialog that it opens. */
  href: string;
  label: string;
  /** What kind of thing it is, shown at the right. */
  kind: string;
}

/** Destinations that contain every word typed, those that start with the first word first; at most `limit`. */
export function matchDestinations(
  destinations: readonly Destination[],
  typed: string,
  limit: number,
): Destination[] {
  const wanted = typed.toLowerCase().split(/\s+/).filter(Boolean);
  const textOf = ({ label, kind }: Destination) => `${label} ${kind}`.toLowerCase();
  const found = destinations.filter((place) => wanted.every((word) => textOf(place).includes(word)));
  const isLead = (place: Destination) => textOf(place).startsWith(wanted[0] ?? "");
  return [...found.filter(isLead), ...found.filter((place) => !isLead(place))].slice(0, limit);
}
