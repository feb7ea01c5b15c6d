import { printLatency, printRate, sample } from "../lib/samples";
import { api, type Subject } from "./subject";

interface Message {
  body: string;
}

/** One call after another, over both transports. */
export async function benchCalls(subject: Subject): Promise<void> {
  const { http } = subject;
  const socket = subject.socket();
  for (const [transport, client] of [
    ["HTTP", http],
    ["WebSocket", socket],
  ] as const) {
    const name = `calls ${transport}`;
    const increment = () => client.mutation(api.counters!.increment!, { name });
    const read = () => http.query(api.counters!.read!, { name });
    printLatency(`mutation of 1 document over ${transport}`, await sample(300, increment), await read());
  }
  const fill = (channel: string, rows: number) => http.mutation(api.counters!.fill!, { channel, rows });
  const hundred = await sample(40, (round) => fill(`hundred${round}`, 100));
  const written = await http.query(api.counters!.ranks!, { channel: "hundred39" });
  printLatency("mutation of 100 documents over HTTP", hundred, written);

  const id = await http.mutation(api.messages!.send!, { channel: "point", body: "point" });
  const point = await http.query(api.messages!.get!, { id });
  const points = await sample(300, () => http.query(api.messages!.get!, { id }));
  printLatency("point read over HTTP", points, point.body);

  for (const rows of [100, 1000]) {
    const channel = `range${rows}`;
    await fill(channel, rows);
    const list = () => http.query(api.messages!.list!, { channel });
    const bodies = ((await list()) as Message[]).map(({ body }) => body);
    printLatency(`range of ${rows} over HTTP`, await sample(60, list), bodies);
    // A subscription's first result; another limit each time, so that no result is shared with an earlier round.
    const subscribed = await sample(60, (round) =>
      socket.query(api.messages!.list!, { channel, limit: rows + 100 + round }),
    );
    printLatency(`range of ${rows} over WebSocket`, subscribed, bodies);
  }
  await subject.closeSockets();
}

/** The shape of a candle import: 16 documents of 24 KB each, 83 mutations of about 400 KB. */
export async function benchImport(subject: Subject): Promise<void> {
  const { http } = subject;
  const rowsPerDocument = 1000;
  const documents = 16;
  const mutations = 83;
  const bytes = new Float64Array(rowsPerDocument * 3).map((_, i) => Math.sin(i) * 1000 + 2000).buffer;
  const started = performance.now();
  for (let m = 0; m < mutations; m++) {
    const chunks = Array.from({ length: documents }, (_, i) => ({ start: m * documents + i, bytes }));
    await http.mutation(api.blobs!.put!, { series: `import${m % 8}`, chunks });
  }
  const seconds = (performance.now() - started) / 1000;
  const sizes = await http.query(api.blobs!.sizes!, { series: "import0" });
  const rows = mutations * documents * rowsPerDocument;
  printRate("import of candles in chunks of 1000 rows (24 KB)", rows, seconds, "rows/s", sizes);
}
