// The images that a command line names: files, folders, lists, or paths on stdin.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace talweg::ocr::cli {

/// Calls take(path) for each image, in order: a file is itself; a folder is its image files, sorted; a
/// .txt or .tsv file is a list, the path in its first column; "-" is such a list on stdin, read as it
/// comes. Paths in a list file are relative to its folder, and stay below it unless `outside`; those on
/// stdin are relative to where we are. Before it waits for more from stdin it calls idle(), so that who
/// writes there may wait for an answer. Throws IoError where a folder or list can't be read, or a list
/// leaves its folder.
void for_each_image(const std::vector<std::string>& arguments, bool outside,
                    const std::function<void(const std::string& path)>& take,
                    const std::function<void()>& idle);

/// Is an argument a list of images, by its name?
bool is_list(const std::string& argument);

}  // namespace talweg::ocr::cli
