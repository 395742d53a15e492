-- Grain: one row per record of {table} that the files name, or that they named when they were read before.
create temp table touched_{table} as
select store, system, {key} from incoming_{table}
union
select store, system, {key}
from snapshot.canonical.{table} as h
where exists (
    from read_anew_{table} as i
    where i.file_hash = h.file_hash and i.source_file = h.source_file
    and i.source_sheet is not distinct from h.source_sheet and coalesce(i.store, h.store) = h.store
);
