"""Labelled windows of the waist data sets, UCI HAR and HAPT."""
