-- Since when a mail server is being given a document and has not answered: what is found so afterwards may have been taken.
alter table dispatch add column if not exists handed_at timestamptz;
grant update (handed_at) on dispatch to tollwright_app, tollwright_ingest;
