using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace SpectralKD.Notebook.Jupyter.Install;

/// <summary>
/// Registers the kernel with Jupyter, which need not be installed yet: a folder with <c>kernel.json</c> and a logo
/// (https://jupyter-client.readthedocs.io/en/latest/kernels.html#kernel-specs).
/// </summary>
public static partial class KernelSpec
{
    private const string Mark = "spectralkd";
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Installs a kernelspec, or replaces the one of that name; all of it or nothing.</summary>
    /// <param name="options">Name and place; null: the defaults.</param>
    /// <returns>What was installed.</returns>
    /// <exception cref="SpectralKDException">The name is unusable, the folder cannot be written, or another program's kernel has the name.</exception>
    public static InstalledKernelSpec Install(KernelSpecOptions? options = null)
    {
        options ??= new KernelSpecOptions();
        var folder = FolderOf(options.Name, options.Prefix);
        RefuseForeign(folder, options.Name);
        var command = options.Command ?? KernelCommand.OfThisProgram(options.SkipUnknown ? ["--skip-unknown"] : []);
        var temporary = $"{folder}.{Environment.ProcessId}.tmp";
        try
        {
            Directory.CreateDirectory(temporary);
            File.WriteAllText(Path.Combine(temporary, "kernel.json"), Json(options, command).ToJsonString(Indented) + "\n");
            File.WriteAllText(Path.Combine(temporary, "logo-svg.svg"), KernelLogo.Svg);
            DeleteIfThere(folder);
            Directory.Move(temporary, folder);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new SpectralKDException($"cannot install the kernel in {folder}: {error.Message} Choose another place with --prefix.", error);
        }
        return new InstalledKernelSpec(options.Name, options.DisplayName, folder, command);
    }

    /// <summary>Removes a kernelspec that this program installed.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="prefix">The prefix it was installed in; null: the user's own folder.</param>
    /// <returns>The folder that was removed.</returns>
    /// <exception cref="SpectralKDException">There is none of that name, or it is another program's.</exception>
    public static string Uninstall(string name = "spectralkd", string? prefix = null)
    {
        var folder = FolderOf(name, prefix);
        if (!Directory.Exists(folder))
        {
            var there = string.Join(", ", List().Select(spec => $"{spec.Name} ({spec.Folder})"));
            throw new SpectralKDException($"there is no kernel {name} in {folder}; installed: {(there.Length == 0 ? "none" : there)}");
        }
        RefuseForeign(folder, name);
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new SpectralKDException($"cannot remove {folder}: {error.Message}", error);
        }
        return folder;
    }

    /// <summary>The kernelspecs of this program in all of Jupyter's folders.</summary>
    /// <param name="prefix">A prefix to look into besides.</param>
    public static IReadOnlyList<InstalledKernelSpec> List(string? prefix = null)
    {
        var roots = prefix is null ? JupyterFolders.All : JupyterFolders.All.Prepend(JupyterFolders.Share(Path.GetFullPath(prefix)));
        return [.. roots.Select(root => Path.Combine(root, "kernels")).Distinct().Where(Directory.Exists).SelectMany(SpecsIn).OfType<InstalledKernelSpec>()];
    }

    private static IEnumerable<InstalledKernelSpec?> SpecsIn(string kernels)
        => Directory.EnumerateDirectories(kernels).Order(StringComparer.Ordinal).Select(ReadOwn);

    private static string FolderOf(string name, string? prefix)
    {
        if (!ValidName().IsMatch(name))
        {
            throw new SpectralKDException($"a kernel cannot be named \"{name}\"; letters, digits, - . _ are allowed");
        }
        var root = prefix is null ? JupyterFolders.User : JupyterFolders.Share(Path.GetFullPath(prefix));
        return Path.Combine(root, "kernels", name.ToLowerInvariant());
    }

    private static JsonObject Json(KernelSpecOptions options, IReadOnlyList<string> command) => new()
    {
        ["argv"] = new JsonArray([.. command.Select(word => (JsonNode)word)]),
        ["display_name"] = options.DisplayName,
        ["language"] = "C#",
        ["interrupt_mode"] = "message",
        ["env"] = KernelCommand.Variables(),
        ["metadata"] = new JsonObject { ["debugger"] = false, [Mark] = new JsonObject { ["version"] = Handling.KernelInfoHandler.Version } },
    };

    private static void RefuseForeign(string folder, string name)
    {
        if (Directory.Exists(folder) && ReadOwn(folder) is null)
        {
            throw new SpectralKDException($"the kernel {name} in {folder} is another program's; remove it there first, or choose another --name");
        }
    }

    private static InstalledKernelSpec? ReadOwn(string folder)
    {
        try
        {
            var json = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "kernel.json")));
            if (json?["metadata"]?[Mark] is null)
            {
                return null;
            }
            var command = (json["argv"] as JsonArray)?.Select(word => word?.GetValue<string>() ?? "").ToArray() ?? [];
            return new InstalledKernelSpec(Path.GetFileName(folder), json["display_name"]?.GetValue<string>() ?? "", folder, command);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static void DeleteIfThere(string folder)
    {
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [GeneratedRegex("^[A-Za-z0-9._-]*[A-Za-z0-9][A-Za-z0-9._-]*\\z")]
    private static partial Regex ValidName();
}
