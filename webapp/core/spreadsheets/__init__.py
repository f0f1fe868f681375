"""Files for spreadsheets: every CSV and every Excel workbook that leaves the product goes through here."""
