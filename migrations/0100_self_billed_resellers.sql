-- Whose commissions of a statement stand on a self-billed document: suppliers' resellers are replaced, and one statement
-- tells of several.
alter table self_billed_statement add column if not exists reseller bigint;
update self_billed_statement b set reseller = coalesce(s.reseller, 0) from supplier s
 where s.operator = b.operator and s.id = b.supplier and b.reseller is null;
alter table self_billed_statement alter column reseller set not null;
alter table self_billed_statement drop constraint if exists self_billed_statement_pkey;
alter table self_billed_statement add constraint self_billed_statement_pkey
    primary key (operator, statement, reseller, supplier);
