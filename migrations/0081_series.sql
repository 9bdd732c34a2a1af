-- Series that begin anew each year, and which payment reference is made of their numbers.
alter table series add column if not exists yearly boolean not null default false;
alter table series add column if not exists reference text not null default 'usual';
alter table series add column if not exists reference_length int;
