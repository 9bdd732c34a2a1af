"""Files that accounting systems take: vouchers of what was invoiced and accrued."""
