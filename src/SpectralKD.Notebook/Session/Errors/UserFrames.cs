using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime.Loader;
using System.Text.RegularExpressions;
using SpectralKD.Notebook.Session.Compiling;
using SpectralKD.Notebook.Session.Running;
using SpectralKD.Notebook.Session.Variables;

namespace SpectralKD.Notebook.Session.Errors;

/// <summary>The part of a stack trace that the user wrote or brought by <c>#r</c>.</summary>
internal static partial class UserFrames
{
    private const int MostFrames = 30;

    /// <summary>One line a frame, innermost first: <c>   at Twice in cell [3], line 2</c>.</summary>
    /// <param name="exception">What was thrown.</param>
    public static IEnumerable<string> Of(Exception exception)
    {
        var all = All(exception).ToArray();
        return all.Length <= MostFrames
            ? all
            : [.. all.Take(MostFrames / 2), $"   … {all.Length - MostFrames} more …", .. all.TakeLast(MostFrames / 2)];
    }

    private static IEnumerable<string> All(Exception exception)
    {
        var last = "";
        var isCheck = false;
        foreach (var frame in new StackTrace(exception, fNeedFileInfo: true).GetFrames())
        {
            var line = frame.GetMethod() is not { } method ? ""
                : CellCompiler.SourceOf(method.Module.Assembly) is { } source
                ? Describe(frame, method, isCheck ? CheckedLines.Place(source, NameOf(method).Split('.')[^1], frame.GetFileLineNumber(), exception) : null)
                : AssemblyLoadContext.GetLoadContext(method.Module.Assembly) is SessionLoadContext ? Describe(frame, method, null, isBrought: true) : "";
            isCheck = CheckedLines.IsCheck(frame.GetMethod());
            if (line.Length > 0 && line != last)
            {
                yield return last = line;
            }
        }
    }

    private static string Describe(StackFrame frame, MethodBase method, string? known, bool isBrought = false)
    {
        var place = known ?? (frame.GetFileName() is { } file ? $"{file}, line {frame.GetFileLineNumber().ToString(CultureInfo.InvariantCulture)}" : "");
        var name = NameOf(method);
        return (name.Length > 0, place.Length > 0) switch
        {
            (true, true) => $"   at {name} in {place}",
            // Of a cell, what has no name is its top level, and what has no place is the compiler's own.
            (false, true) when !isBrought => $"   at {place}",
            (true, false) when isBrought => $"   at {name}",
            _ => "",
        };
    }

    /// <summary>The name that the user gave; empty for the cell's own top level.</summary>
    private static string NameOf(MethodBase method)
    {
        var name = Given(method.Name);
        var type = method.DeclaringType;
        while (type is not null && type.Name.StartsWith('<'))
        {
            name = name.Length > 0 ? name : Given(type.Name);
            type = type.DeclaringType;
        }

        var owner = type is null || type.Name.StartsWith("Submission#", StringComparison.Ordinal) ? "" : TypeNames.Short(type) + ".";
        return name.Length > 0 ? owner + name : "";
    }

    /// <summary>
    /// Foo of <c>&lt;Foo&gt;d__3</c> and <c>&lt;Foo&gt;b__0</c>, Bar of <c>&lt;Foo&gt;g__Bar|0</c>; nothing of the submission's
    /// initialiser.
    /// </summary>
    private static string Given(string name)
    {
        if (name is "MoveNext" or "<Initialize>" or "<Factory>" or ".ctor" || name.TrimStart('<').StartsWith("Initialize>", StringComparison.Ordinal))
        {
            return name == ".ctor" ? "" : LocalName().Match(name).Groups["local"].Value;
        }

        var match = LocalName().Match(name);
        return match.Success ? match.Groups["local"].Value
            : OuterName().Match(name) is { Success: true } outer ? outer.Groups["name"].Value
            : name;
    }

    [GeneratedRegex(@">g__(?<local>[^|]+)\|")]
    private static partial Regex LocalName();

    [GeneratedRegex(@"^<(?<name>[^<>]*)>")]
    private static partial Regex OuterName();
}
