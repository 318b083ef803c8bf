//! trunk
