/** What a file imports, types included: a type that crosses a border ties the two sides as firmly as a value. */
import { type AstNode, isNode, literalText, type SourceFile, visit } from "./sourceTree";

export interface Import {
  specifier: string;
  /** Gone at run time: it cannot close a cycle of initialisation. */
  typeOnly: boolean;
  /** Imported names (the exporter's), without types; empty for whole-module imports. */
  names: string[];
  node: AstNode;
}

function valueSpecifiers(node: AstNode): AstNode[] {
  return ((node.specifiers as AstNode[] | undefined) ?? []).filter(
    (specifier) => specifier.importKind !== "type" && specifier.exportKind !== "type",
  );
}

function nameOf(specifier: AstNode): string[] {
  const outer = specifier.type === "ImportSpecifier" ? specifier.imported : specifier.local;
  return specifier.type !== "ImportDefaultSpecifier" && isNode(outer) ? [outer.name as string] : [];
}

/** Static, dynamic, re-exporting and `import("x").Type` imports, in source order. */
export function importsOf(file: SourceFile): Import[] {
  const found: Import[] = [];
  visit(file.ast, (node) => {
    const specifier = literalText(node.source);
    if (specifier === null) return;
    if (node.type === "ImportExpression") {
      found.push({ specifier, typeOnly: false, names: [], node });
    } else if (node.type === "TSImportType") {
      found.push({ specifier, typeOnly: true, names: [], node });
    } else if (/^(Import|Export(Named|All))Declaration$/.test(node.type)) {
      const all = (node.specifiers as AstNode[] | undefined) ?? [];
      const values = valueSpecifiers(node);
      const typeOnly =
        node.importKind === "type" || node.exportKind === "type" || (all.length > 0 && values.length === 0);
      found.push({ specifier, typeOnly, names: typeOnly ? [] : values.flatMap(nameOf), node });
    }
  });
  return found;
}
