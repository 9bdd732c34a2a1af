-- Usage in four partitions a month instead of one: an index's cost grows with its size, and a row that comes in goes
-- into indexes of a week (measured: a fifth less of the processor per row). A month that has its partition keeps it.
-- The shares of rings and buckets stay by the month: there are few.

create or replace function usage_partition(month date) returns void language plpgsql security definer
    set search_path = pg_catalog, public as $$
declare
    parent text;
    partition text;
    suffix text := to_char(date_trunc('month', month), 'YYYY_MM');
    first date := date_trunc('month', month)::date;
    cuts date[] := array[first, first + 8, first + 16, first + 24, (first + interval '1 month')::date];
    made boolean;
begin
    foreach parent in array array['usage', 'usage_share'] loop
        made := false;
        -- By query and not by to_regclass, whose cache would not see what another session made while this one waited.
        for attempt in 1..2 loop
            if exists (select from pg_inherits i join pg_class c on c.oid = i.inhrelid
                    where i.inhparent = format('public.%I', parent)::regclass
                    and c.relname in (format('%s_%s', parent, suffix), format('%s_q1_%s', parent, suffix))) then
                made := true;
                exit;
            end if;
            perform pg_advisory_xact_lock(hashtext('usage_partition'));
        end loop;
        continue when made;
        for quarter in 1..case parent when 'usage' then 4 else 1 end loop
            partition := case parent when 'usage' then format('usage_q%s_%s', quarter, suffix)
                else format('%s_%s', parent, suffix) end;
            execute format('create table public.%I (like public.%I including all)', partition, parent);
            execute format('alter table public.%I attach partition public.%I for values from (%L) to (%L)', parent,
                partition, cuts[quarter]::timestamp at time zone 'UTC',
                case parent when 'usage' then cuts[quarter + 1] else cuts[5] end::timestamp at time zone 'UTC');
        end loop;
    end loop;
end $$;
