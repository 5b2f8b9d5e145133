//! The workbook, read back.
