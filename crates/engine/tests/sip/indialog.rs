//! indialog
