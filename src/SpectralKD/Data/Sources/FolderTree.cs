using System.IO.Enumeration;

namespace SpectralKD.Data;

/// <summary>
/// The files below a folder, each real one once. Links are followed, as torchvision does: a link to a folder or a file elsewhere counts as what it
/// leads to. A link to what is counted already (a circle of links is that) is left out, and so are names that are not UTF-8, which .NET cannot open.
/// What lies in a hidden folder does not count there (git-annex, DataLad and DVC keep the images so), but a link to it does.
/// </summary>
internal sealed class FolderTree
{
    private const int MostLinks = 40; // as the kernel follows
    private const char Replacement = '\uFFFD';
    private static readonly EnumerationOptions All = new() { AttributesToSkip = FileAttributes.None, IgnoreInaccessible = false };
    private static readonly EnumerationOptions WithoutLinks = new() { AttributesToSkip = FileAttributes.ReparsePoint, RecurseSubdirectories = true };
    private readonly string _root;
    private readonly List<string> _files = [];
    private readonly List<string> _folders = [];
    private readonly HashSet<string> _realFolders = new(StringComparer.Ordinal); // listed under a visible path
    private readonly HashSet<string> _hiddenFolders = new(StringComparer.Ordinal); // listed under a hidden one
    private readonly List<(string Path, string Real)> _hiddenImages = [];
    private HashSet<string>? _realImages; // the images that count; only where there are links
    private readonly Dictionary<string, string?> _resolved = new(StringComparer.Ordinal);
    private readonly PriorityQueue<string, string> _links = new(StringComparer.Ordinal); // real places, in the order of the paths
    private readonly List<string> _circles = [];
    private readonly List<string> _again = [];
    private readonly List<string> _dead = [];
    private readonly List<string> _unreadable = [];

    /// <summary>Lists all that is below a folder.</summary>
    /// <param name="root">The folder's full path.</param>
    /// <exception cref="IOException">A folder cannot be listed.</exception>
    /// <exception cref="UnauthorizedAccessException">A folder may not be listed.</exception>
    public FolderTree(string root)
    {
        _root = root;
        Walk("", Resolve(root) ?? root);
        FollowLinks();
        _files.AddRange(_hiddenImages.Where(image => _realImages?.Contains(image.Real) != true).Select(image => image.Path));
    }

    /// <summary>True if there is an image that counts somewhere below a folder.</summary>
    /// <param name="root">The folder's full path.</param>
    /// <exception cref="IOException">A folder cannot be listed.</exception>
    /// <exception cref="UnauthorizedAccessException">A folder may not be listed.</exception>
    public static bool HoldsImages(string root) =>
        Directory.EnumerateFiles(root, "*", WithoutLinks)
            .Any(file => IsImage(Path.GetRelativePath(root, file).Replace(Path.DirectorySeparatorChar, '/')))
        || new FolderTree(root).Files.Any(IsImage);

    /// <summary>Paths of the files relative to the root, separated by <c>/</c>.</summary>
    public IReadOnlyList<string> Files => _files;

    /// <summary>Names of the folders directly in the root, those without files included.</summary>
    public IReadOnlyList<string> Folders => _folders;

    /// <summary>What was left out, one line each.</summary>
    public IReadOnlyList<string> Notes =>
    [
        .. Note(_circles, "link is left out: it leads to a folder", "links are left out: they lead to folders", "whose images count at their own places"),
        .. Note(_again, "link is left out: it leads to an image", "links are left out: they lead to images", "counted already"),
        .. Note(_dead, "link is left out: it leads", "links are left out: they lead", "nowhere"),
        .. Note(_unreadable, "file or folder is left out: its name is", "files or folders are left out: their names are", "not UTF-8, which .NET cannot open; rename with convmv, for example"),
    ];

    private void Walk(string path, string real)
    {
        var pending = new Stack<(string Path, string Real)>([(path, real)]);
        while (pending.TryPop(out var folder))
        {
            if (!Enter(folder.Path, folder.Real))
            {
                Add(_circles, folder.Path, isFolder: true);
                continue;
            }

            AddTop(folder.Path);
            var seen = new HashSet<string>(StringComparer.Ordinal);
            foreach (var entry in Entries(folder.Real))
            {
                var inside = folder.Path.Length == 0 ? entry.Name : folder.Path + "/" + entry.Name;
                var item = (Path: inside, Real: Path.Join(folder.Real, entry.Name));
                if (entry.Name.Contains(Replacement, StringComparison.Ordinal) && (!seen.Add(entry.Name) || !Path.Exists(item.Real)))
                {
                    Add(_unreadable, inside, entry.IsFolder);
                }
                else if (entry.IsLink)
                {
                    _links.Enqueue(item.Real, inside);
                }
                else if (entry.IsFolder)
                {
                    pending.Push(item);
                }
                else
                {
                    AddFile(inside, item.Real);
                }
            }
        }
    }

    // Links come after all that lies in the tree itself, so that a file counts at its own place whatever the order of the names.
    private void FollowLinks()
    {
        if (_links.Count == 0)
        {
            return;
        }

        var place = Resolve(_root) ?? _root;
        _realImages = _files.Where(IsImage).Select(file => Path.Join(place, file.Replace('/', Path.DirectorySeparatorChar))).ToHashSet(StringComparer.Ordinal);
        while (_links.TryDequeue(out var real, out var path))
        {
            var target = Resolve(real);
            if (target is null || !Path.Exists(target))
            {
                Add(_dead, path, isFolder: !Path.HasExtension(path));
            }
            else if (Directory.Exists(target))
            {
                Walk(path, target);
            }
            else
            {
                AddFile(path, target);
            }
        }
    }

    // A folder is listed once under a visible path, whatever hidden ones lead to it, and at most once under a hidden one.
    private bool Enter(string path, string real) => path.Length == 0 || ImageFolderLayout.IsVisible(path)
        ? _realFolders.Add(real)
        : !_realFolders.Contains(real) && _hiddenFolders.Add(real);

    private void AddFile(string path, string real)
    {
        if (!ImageFolderLayout.HasImageExtension(path))
        {
            _files.Add(path);
        }
        else if (!ImageFolderLayout.IsVisible(path))
        {
            _hiddenImages.Add((path, real));
        }
        else if (_realImages?.Add(real) != false)
        {
            _files.Add(path);
        }
        else
        {
            _again.Add(path);
        }
    }

    private static bool IsImage(string path) => ImageFolderLayout.HasImageExtension(path) && ImageFolderLayout.IsVisible(path);

    private void AddTop(string path)
    {
        if (path.Length > 0 && !path.Contains('/', StringComparison.Ordinal))
        {
            _folders.Add(path);
        }
    }

    private static FileSystemEnumerable<(string Name, bool IsFolder, bool IsLink)> Entries(string folder) => new(
        folder,
        (ref FileSystemEntry entry) => (
            entry.FileName.ToString(), entry.IsDirectory, entry.Attributes.HasFlag(FileAttributes.ReparsePoint)),
        All);

    /// <summary>The path without any link in it; null if links lead in a circle.</summary>
    private string? Resolve(string path, int followed = 0)
    {
        if (_resolved.TryGetValue(path, out var known))
        {
            return known;
        }

        var parent = Path.GetDirectoryName(path);
        if (parent is null || followed > MostLinks)
        {
            return parent is null ? path : null;
        }

        if (Resolve(parent, followed) is not { } folder)
        {
            return null;
        }

        _resolved[parent] = folder;
        var real = Path.GetFileName(path) switch
        {
            "" or "." => folder,
            ".." => Path.GetDirectoryName(folder) ?? folder,
            var name => Path.Join(folder, name),
        };
        return new FileInfo(real).LinkTarget is { } target ? Resolve(Path.Combine(folder, target), followed + 1) : real;
    }

    // Of the files only images matter; a folder may hold some.
    private static void Add(List<string> list, string path, bool isFolder)
    {
        if (ImageFolderLayout.IsVisible(path) && (isFolder || ImageFolderLayout.HasImageExtension(path)))
        {
            list.Add(path);
        }
    }

    private static IEnumerable<string> Note(List<string> paths, string one, string many, string words) => paths.Count == 0
        ? []
        : [FormattableString.Invariant($"{paths.Count} {(paths.Count == 1 ? one : many)} {words} ({PlainText.Names(paths.Order(StringComparer.Ordinal).ToList())})")];
}
