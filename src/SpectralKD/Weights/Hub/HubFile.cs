using System.Text.RegularExpressions;

namespace SpectralKD.Weights.Hub;

/// <summary>A file of a repository on the hub; the parts are checked, because they become addresses and paths.</summary>
internal sealed partial record HubFile
{
    public HubFile(string repository, string name, string revision)
    {
        if (!RepositoryPattern().IsMatch(repository) || repository.Contains("..", StringComparison.Ordinal))
        {
            throw new SpectralKDException($"'{repository}' is no repository of the hub; write for example timm/deit_tiny_patch16_224.fb_in1k");
        }

        if (!IsSafePath(name) || !IsSafePath(revision))
        {
            throw new SpectralKDException($"'{name}' at '{revision}' is no file of a repository");
        }

        (Repository, Name, Revision) = (repository, name, revision);
    }

    public string Repository { get; }

    public string Name { get; }

    /// <summary>Branch, tag or commit.</summary>
    public string Revision { get; }

    public bool IsCommit => CommitPattern().IsMatch(Revision);

    public string FullName => $"{Repository}/{Name}";

    /// <summary>Address of the file at a revision of its repository.</summary>
    public Uri Address(Uri endpoint, string revision)
    {
        var path = string.Join('/', Name.Split('/').Select(Uri.EscapeDataString));
        return new Uri($"{endpoint.AbsoluteUri.TrimEnd('/')}/{Repository}/resolve/{Uri.EscapeDataString(revision)}/{path}");
    }

    private static bool IsSafePath(string path) =>
        path.Length > 0 && path.All(c => !char.IsControl(c) && c is not ('\\' or ':' or '?' or '*'))
        && path.Split('/').All(part => part.Length > 0 && part is not ("." or ".."));

    [GeneratedRegex("^[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*$")]
    private static partial Regex RepositoryPattern();

    [GeneratedRegex("^[0-9a-f]{40}$")]
    private static partial Regex CommitPattern();
}
