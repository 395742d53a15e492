-- Grain: one row per file, sheet and store of which rows of {table} were read before and are read anew now. Without a store:
-- a file that gives none any more. Only its latest reading counts: settings or a profile may have been mended between.
create temp table read_anew_{table} as
select distinct file_hash, source_file, source_sheet, store from incoming_{table}
union all
select file_hash, source_file, source_sheet, null from emptied_file where "table" = '{table}';
