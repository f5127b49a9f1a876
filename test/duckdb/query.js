// Runs the SQL of each line of stdin, which is a JSON string, and prints a line of JSON for
// each: {"columns": [...], "types": [...], "rows": [[...]]}. Values are text, or null.
import { createInterface } from 'node:readline'
import { DuckDBInstance } from '@duckdb/node-api'

const instance = await DuckDBInstance.create(':memory:')
const connection = await instance.connect()
for await (const line of createInterface({ input: process.stdin })) {
  const reader = await connection.runAndReadAll(JSON.parse(line))
  const text = value => (value === null ? null : String(value))
  console.log(JSON.stringify({
    columns: reader.columnNames(),
    types: reader.columnTypes().map(String),
    rows: reader.getRows().map(row => row.map(text)),
  }))
}
