-- The roles a transaction takes; the login role is a member of both and may take them (SET), but never has their rights by itself.
-- Run at every migration: roles belong to the cluster, so a database restored into another one finds them missing.
do $$
declare
    version int := current_setting('server_version_num')::int;
    name text;
begin
    foreach name in array array['tollwright_app', 'tollwright_ingest'] loop
        begin
            if not exists (select from pg_roles where rolname = name) then
                execute format('create role %I nologin nosuperuser nobypassrls nocreatedb nocreaterole', name);
            end if;
        exception when duplicate_object or unique_violation then
            null;  -- another database of this cluster is migrated at the same moment
        end;
    end loop;
    if not (select rolbypassrls from pg_roles where rolname = 'tollwright_ingest') then
        alter role tollwright_ingest bypassrls;
    end if;
    foreach name in array array['tollwright_app', 'tollwright_ingest'] loop
        if not (select rolsuper from pg_roles where rolname = current_user) then
            -- an administrator may have granted them already, to a login role that may not itself
            if version >= 160000 then
                if not pg_has_role(current_user, name, 'set') then
                    execute format('grant %I to current_user with set true, inherit false', name);
                end if;
            elsif not pg_has_role(current_user, name, 'member') then
                execute format('grant %I to current_user', name);
            end if;
        end if;
    end loop;
end
$$;
grant usage on schema public to tollwright_app, tollwright_ingest;
