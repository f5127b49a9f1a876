# Counts the lines of walfs dump --format json --decode, from first to last:
#
#   walfs dump --format json --decode DIR | jq -n -f count.jq

# of an edge: it deletes all values of its predicate, of every entity
def drops: .op == "DEL" and (.entity // "0") == "0" and .value == "_STAR_ALL";

# of an edge: the predicate; its namespace can be 8 bytes in front
def name:
  if has("attr_base64") then "(bytes)"
  else (.attr // "")
    | if length > 8 and .[0:1] == "\u0000"
      then "\(reduce (.[0:8] | explode[]) as $byte (0; . * 256 + $byte))-\(.[8:])"
      else . end
  end;

# of mutations
def mutation_kind:
  if any(.edges[]?; drops) or (.drop_op // "NONE") != "NONE" then "drop"
  elif has("schema") or has("types") then "schema"
  else "mutation" end;

# of a proposal: the first of its parts, in the order of the schemas
def proposal_kind:
  if has("snapshot_ts") then "snapshot"
  elif has("member") then "member"
  elif has("tablet") then "tablet"
  elif has("maxUID") then "lease"
  elif has("maxTxnTs") then "lease"
  elif has("maxRaftId") then "lease"
  elif has("state") then "state"
  elif has("clean_predicate") then "clean_predicate"
  elif has("clean_predicate_base64") then "clean_predicate"
  elif has("txn") then "txn"
  elif has("delta") then "delta"
  elif has("cid") then "lease"
  elif has("cid_base64") then "lease"
  elif has("snapshot") then "snapshot"
  elif has("restore") then "restore"
  elif has("maxNsID") then "lease"
  elif has("cdc_state") then "cdc_state"
  elif has("delete_ns") then "delete_ns"
  elif has("tablets") then "tablet"
  elif has("ext_snapshot_state") then "ext_snapshot_state"
  elif has("mutations") then .mutations | mutation_kind
  elif has("kv") then "kv"
  else "proposal" end;

# of a line
def kind:
  .decoded
  | if has("not_decoded") then "too_large"
    elif has("conf_change") or has("conf_change_v2") then "conf_change"
    elif has("proposal") then .proposal | proposal_kind
    elif has("text") then "text"
    elif has("base64") then "binary"
    else "empty" end;

# of a line: what one more is counted of, and what becomes of transactions
def said:
  (.decoded.proposal // {}) as $p
  | [$p.mutations.edges[]? | select(drops | not) | {name: name, op}] as $edges
  | ((.decoded.key // "0" | tonumber) / 281474976710656 | floor) as $member
  | [$p.delta.txns[]?, ($p.txn // empty)] as $txns
  | { index, size,
      counts: [ "all entries", "kind \(kind)", "file \(.file)", "term \(.term)",
        ("member \($member)" | select($member > 0)),
        "edges \($edges[].name)", "deletes \($edges[] | select(.op == "DEL").name)",
        "predicate \($edges | map(.name) | unique[])",
        ($txns[] | if (.commit_ts // "0") == "0" or .aborted == true then "all aborts" else "all commits" end) ],
      started: (if $edges == [] or ($p.mutations.start_ts // "0") == "0" then null else "pending \($p.mutations.start_ts // "0")" end),
      decided: [$txns[] | "pending \(.start_ts // "0")"] };

# All counts are in one flat object, by "what name": jq changes that in place.
reduce (inputs | said) as $line ({};
  reduce $line.counts[] as $count (.; setpath([$count]; getpath([$count]) + 1))
  | setpath(["all bytes"]; getpath(["all bytes"]) + $line.size)
  | if $line.started != null and getpath([$line.started]) == null then setpath([$line.started]; $line.index) else . end
  | reduce $line.decided[] as $txn (.; delpaths([[$txn]])))
| reduce to_entries[] as $count ({};
    ($count.key | index(" ")) as $at | setpath([$count.key[:$at], $count.key[$at + 1:]]; $count.value))
