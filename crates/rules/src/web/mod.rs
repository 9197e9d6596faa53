//! Rules of web servers other than IIS: each translated exactly, or not at all.
