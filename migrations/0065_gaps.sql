-- Rules of a second person bind a reseller's people too: they see the rules, and what they asked for themselves.
alter table approval add column if not exists reseller bigint;
alter table approval drop constraint if exists approval_reseller;
alter table approval add constraint approval_reseller foreign key (operator, reseller) references reseller (operator, id);
do $$
declare
    name text;
begin
    foreach name in array array['approval_rule', 'approval_rules'] loop
        execute format('drop policy if exists seen on %I', name);
        execute format('create policy seen on %I for select using (operator = app_operator())', name);
    end loop;
    drop policy if exists own on approval;
    create policy own on approval using (operator = app_operator() and app_reaches(reseller))
        with check (operator = app_operator() and app_reaches(reseller));
end $$;

-- Who answers for somebody: himself, who made him (a client, an API key), who made that one, and so on. It looks beyond
-- what the caller sees, since a reseller's machine may have been made by one of the operator's.
create or replace function app_makers(person text) returns table (who text, last boolean) language sql stable parallel safe
    security definer set search_path = pg_catalog, public as
$$ with recursive made (who, by) as (
        select 'client:' || client_id, made_by from public.api_client where operator = public.app_operator()
        union all
        select 'client:' || prefix, case when created_by ~ ' [0-9]+$' then 'user:' || substring(created_by from '[0-9]+$')
                                         else 'client:' || created_by end
          from public.api_key where operator = public.app_operator()),
    chain (who) as (
        select person
        union
        select m.by from chain join made m on m.who = chain.who
         where m.by like 'user:%' or exists (select from made o where o.who = m.by))
    select c.who, not exists (select from made m where m.who = c.who and m.by in (select k.who from chain k)) from chain c $$;
grant execute on function app_makers(text) to tollwright_app, tollwright_ingest;

-- What a command asked for when it was carried out, and how far its caller reached then: its answer is given again to
-- who may still, and reaches as far.
alter table kept_answer add column if not exists asked jsonb;

-- A signing key that the master key does not open (a restore without it) signs nothing, and is kept as it is.
alter table signing_key add column if not exists set_aside_at timestamptz;
