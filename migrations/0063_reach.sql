-- Who reaches customers of some groups alone (app.groups, a JSON array in hexadecimal; empty: every customer) sees the rows
-- of those, besides what the policy "own" of each table lets through. A new table with a customer's key gets this policy too.
create or replace function app_groups() returns text[] language sql stable parallel safe as
$$ select array(select jsonb_array_elements_text(
        convert_from(decode(current_setting('app.groups', true), 'hex'), 'utf8')::jsonb))
    where nullif(current_setting('app.groups', true), '') is not null $$;

create or replace function app_meets(person bigint) returns boolean language sql stable parallel safe security definer
    set search_path = pg_catalog, public as
$$ select person is null or exists (select from public.customer_group g
        where g.operator = public.app_operator() and g.customer = person and g.name = any (public.app_groups())
          and g.valid_from <= now() and (g.valid_to is null or g.valid_to > now())) $$;

do $$
declare
    one record;
begin
    for one in
        select c.relname as name, case c.relname when 'customer' then 'id' else 'customer' end as key
          from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where n.nspname = 'public' and c.relkind in ('r', 'p') and not c.relispartition and c.relrowsecurity
           and (c.relname = 'customer' or exists (select from pg_attribute a where a.attrelid = c.oid
               and a.attname = 'customer' and a.atttypid = 'bigint'::regtype and not a.attisdropped))
    loop
        execute format('drop policy if exists reach on %I', one.name);
        execute format('create policy reach on %I as restrictive using ((select app_groups()) is null or app_meets(%I))',
            one.name, one.key);
    end loop;
end $$;
grant execute on function app_groups(), app_meets(bigint) to tollwright_app, tollwright_ingest;
