import type { KeyRange } from "../store/store";
import type { Transaction } from "../transaction/transaction";
import type { Row } from "../transaction/transactionReader";
import { Matches } from "./ranking";
import { compileSearch, rankKey, runSearch, type SearchFilter, type TextQuery } from "./textQuery";

/** Every rank key lies in it. */
export const RANKS: KeyRange = { from: "\x04", to: "\x05" };
const BLOCK = 32;

/** The rows of a search in relevance order; their keys are rank keys. The search runs when the first row is asked for. */
export class SearchScanner {
  private readonly query: TextQuery;
  private readonly docPrefix: string;
  private ranks: string[] | null = null;
  private at = 0;
  private rows: Row[] = [];

  /** `within` bounds the rank keys: a page's place in the results. Throws Convex's sentence for a search that is not valid. */
  constructor(
    private readonly tx: Transaction,
    indexName: string,
    filters: SearchFilter[],
    private readonly within: KeyRange = RANKS,
  ) {
    const [tableName, name] = indexName.split(".") as [string, string];
    const table = tx.tableNamed(tableName);
    const index = table?.indexes.get(name);
    if (!table || !index) throw new Error(`Index ${indexName} not found.`);
    if (index.kind !== "text") throw new Error(`Index ${indexName} is not a search index`);
    this.docPrefix = table.docPrefix;
    this.query = compileSearch(table, index, filters);
    tx.usage.readRange();
  }

  /** Next row in relevance order, or null after the last. Throws past the 1024th, as Convex does. */
  async next(): Promise<Row | null> {
    if (this.ranks === null) {
      this.ranks = (await runSearch(this.tx, this.query)).map(rankKey);
      while (this.at < this.ranks.length && this.ranks[this.at]! < this.within.from) this.at++;
    }
    while (this.rows.length === 0) {
      if (this.at === Matches.MOST) {
        throw new Error(
          `Search query scanned too many documents (fetched ${Matches.MOST}). Consider using a smaller limit, paginating the query, or using a filter field to limit the number of documents pulled from the search index.`,
        );
      }
      if (this.at >= this.ranks.length || this.ranks[this.at]! >= this.within.to) return null;
      await this.fill(this.ranks);
    }
    const row = this.rows.shift()!;
    this.tx.usage.readDocument(row.document.size);
    return row;
  }

  private async fill(ranks: string[]): Promise<void> {
    const block: string[] = [];
    while (block.length < BLOCK && this.at < ranks.length && ranks[this.at]! < this.within.to)
      block.push(ranks[this.at++]!);
    const documents = await this.tx.documentsOf(block.map((rank) => this.docPrefix + rank.slice(-16)));
    for (const [i, document] of documents.entries()) {
      // A missing document means that this same mutation deleted it after the search ran.
      if (document) this.rows.push({ key: block[i]!, document });
    }
  }
}
