# Source this (bash or zsh, from any folder) for a shell in which `python3 -m aliked_ros` and the nodes run.
# DISTRO=kilted takes what `make kilted` installed.
# shellcheck shell=bash
if [ -n "${ZSH_VERSION:-}" ]; then
  eval '_aliked_script="${(%):-%x}"' # zsh's BASH_SOURCE; bash must not parse it
  _aliked_shell=zsh
else
  _aliked_script=${BASH_SOURCE[0]}
  _aliked_shell=bash
fi
_aliked_root=$(cd "$(dirname "$_aliked_script")/.." >/dev/null && pwd)

_aliked_base=$_aliked_root
[ "${DISTRO:-jazzy}" = jazzy ] || _aliked_base=$_aliked_root/.$DISTRO

if [ ! -e "$_aliked_base/install/.build" ]; then
  echo "activate: nothing is installed yet; run: make -C '$_aliked_root' install" >&2
  return 1
fi

# Python's and colcon's scripts read unset variables.
case $- in *u*) _aliked_nounset=u ;; *) _aliked_nounset= ;; esac
set +u
. "$_aliked_base/.venv/bin/activate"
if [ -z "${ROS_DISTRO:-}" ]; then
  # ROS's wheels bring no setup script of their own.
  case ":${AMENT_PREFIX_PATH:-}:" in
    *":$_aliked_base/.venv:"*) ;;
    *) export AMENT_PREFIX_PATH="$_aliked_base/.venv${AMENT_PREFIX_PATH:+:$AMENT_PREFIX_PATH}" ;;
  esac
  export RMW_IMPLEMENTATION=rmw_fastrtps_cpp
fi
. "$_aliked_base/install/local_setup.$_aliked_shell"

# Fast DDS loses images of more than half a megabyte silently without this profile (a profile of your own
# stays). Fast DDS 2, which Jazzy has, reads one name; 3 reads both, and takes neither where both are set.
_aliked_profile=$_aliked_base/install/aliked_ros/share/aliked_ros/config/fastdds_large_images.xml
if [ ! -e "$_aliked_base/.venv/share/fastdds" ] && [ ! -e "/opt/ros/${ROS_DISTRO:-}/share/fastdds" ]; then
  export FASTRTPS_DEFAULT_PROFILES_FILE="${FASTRTPS_DEFAULT_PROFILES_FILE:-$_aliked_profile}"
elif [ -z "${FASTRTPS_DEFAULT_PROFILES_FILE:-}" ]; then
  export FASTDDS_DEFAULT_PROFILES_FILE="${FASTDDS_DEFAULT_PROFILES_FILE:-$_aliked_profile}"
fi

if [ -x "$_aliked_root/.venv-view/bin/rerun" ]; then # `make view`
  : "${ALIKED_VIEW_PYTHON:=$_aliked_root/.venv-view/bin/python}"
  export ALIKED_VIEW_PYTHON
fi

[ -z "$_aliked_nounset" ] || set -u
unset _aliked_script _aliked_shell _aliked_root _aliked_base _aliked_profile _aliked_nounset
