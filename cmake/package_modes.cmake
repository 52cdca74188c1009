# CPack runs this on what it is about to pack: that everybody may read it must not depend on the
# umask of who builds the package.
set(read OWNER_READ GROUP_READ WORLD_READ)
file(CHMOD_RECURSE ${CPACK_TEMPORARY_DIRECTORY}
  FILE_PERMISSIONS ${read} OWNER_WRITE
  DIRECTORY_PERMISSIONS ${read} OWNER_WRITE OWNER_EXECUTE GROUP_EXECUTE WORLD_EXECUTE)
