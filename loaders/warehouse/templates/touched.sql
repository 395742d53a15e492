-- Grain: one row per record of {table} that the files name, or that they named when they were read before.
-- Of a file that is read anew only the latest reading counts: settings or a profile may have been mended between.
create temp table read_anew_{table} as
select distinct file_hash, source_file, source_sheet, store from incoming_{table};

create temp table touched_{table} as
select store, system, {key} from incoming_{table}
union
select store, system, {key}
from snapshot.canonical.{table} as h
where exists (
    from read_anew_{table} as i
    where i.file_hash = h.file_hash and i.source_file = h.source_file
    and i.source_sheet is not distinct from h.source_sheet and i.store = h.store
);
