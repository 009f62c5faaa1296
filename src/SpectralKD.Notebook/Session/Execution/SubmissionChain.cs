using System.Collections.Immutable;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Loader;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace SpectralKD.Notebook.Session;

/// <summary>
/// The submissions that ran, one on top of the other. A submission that fails or is interrupted stays, with what it had assigned; one that
/// had come to nothing is taken away, so that it does not hide the variables of the same name before it. So is one that ran and left nothing that a
/// later cell could name: the compiler looks through all that stay.
/// </summary>
/// <param name="compiler">Compiles the cells.</param>
/// <param name="loadContext">Where they are loaded.</param>
/// <param name="globals">What every cell sees as its own members.</param>
internal sealed class SubmissionChain(CellCompiler compiler, SessionLoadContext loadContext, object globals)
{
    private static readonly BindingFlags Fields = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static
        | BindingFlags.DeclaredOnly;

    private ImmutableArray<object> _states = [globals]; // completion reads it while a cell runs

    /// <summary>The submissions' objects, newest first. Their fields are the variables.</summary>
    public IEnumerable<object> NewestFirst => _states.Skip(1).Reverse();

    /// <summary>Runs a compiled cell as part of a run and gives the value of its last expression; null for none.</summary>
    public async Task<object?> RunAsync(CompiledCell cell, CellExecution run)
    {
        var before = compiler.Last;
        compiler.Last = cell.Compilation;
        if (cell.EntryPoint is null)
        {
            return null;
        }

        var slots = _states.Append(null).ToArray();
        var factory = Load(cell);
        var succeeded = false;
        try
        {
            var value = await run.RunAsync(() => factory(slots)).ConfigureAwait(false);
            succeeded = true;
            return value;
        }
        finally
        {
            Keep(slots[^1], succeeded, cell, before);
        }
    }

    /// <summary>Runs a compiled cell and forgets it: the first real one is then faster.</summary>
    public void WarmUp(CompiledCell cell) => Load(cell)([_states[0], null]).GetAwaiter().GetResult();

    /// <summary>The variables of one submission.</summary>
    public static IEnumerable<FieldInfo> Variables(object submission)
        => submission.GetType().GetFields(Fields).Where(field => !field.Name.Contains('<') && !field.IsLiteral);

    private void Keep(object? submission, bool succeeded, CompiledCell cell, CSharpCompilation? before)
    {
        // A submission that was never made takes no slot, so nothing may build on it.
        if (submission is null || cell.DeclaresNothing || (succeeded ? LeavesNothing(submission, cell) : IsNothing(submission)))
        {
            compiler.Last = before;
            return;
        }

        if (!succeeded)
        {
            KeepOldValues(submission);
        }

        _states = [.. _states, submission];
    }

    /// <summary>True where nothing was assigned, and there is no function or type that a later cell could want.</summary>
    private static bool IsNothing(object submission)
        => Variables(submission).All(variable => IsUnassigned(variable, submission))
            && !submission.GetType().GetNestedTypes(Fields).Any(IsUsers)
            && !submission.GetType().GetMethods(Fields).Any(IsUsers);

    /// <summary>True where the cell declares nothing and has no <c>using</c>.</summary>
    private static bool LeavesNothing(object submission, CompiledCell cell)
        => cell.Compilation.SyntaxTrees[0].GetRoot() is CompilationUnitSyntax { Usings.Count: 0, Externs.Count: 0 }
            && !submission.GetType().GetMembers(Fields).Any(member => member is not ConstructorInfo && IsUsers(member));

    /// <summary>A variable that the submission did not get to keeps what it held, where the type is the same.</summary>
    private void KeepOldValues(object submission)
    {
        foreach (var variable in Variables(submission).Where(variable => !variable.IsInitOnly && IsUnassigned(variable, submission)))
        {
            var old = NewestFirst
                .Select(state => (State: state, Field: Variables(state).FirstOrDefault(known => known.Name == variable.Name)))
                .FirstOrDefault(known => known.Field is not null);
            if (old.Field?.FieldType == variable.FieldType)
            {
                variable.SetValue(submission, old.Field.GetValue(old.State));
            }
        }
    }

    private static bool IsUsers(MemberInfo member) => !member.Name.Contains('<');

    private static bool IsUnassigned(FieldInfo variable, object submission)
    {
        var value = variable.GetValue(submission);
        return value is null || (variable.FieldType.IsValueType && IsDefault(value, variable.FieldType));
    }

    private static bool IsDefault(object value, Type type)
    {
        try
        {
            return value.Equals(RuntimeHelpers.GetUninitializedObject(type));
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            // The user's own Equals: a value that it cannot compare is one.
            return false;
        }
    }

    private Func<object?[], Task<object?>> Load(CompiledCell cell)
    {
        var assembly = loadContext.LoadFromStream(cell.Assembly, cell.Symbols);
        var entry = cell.EntryPoint!;
        var type = assembly.GetType(entry.ContainingType.MetadataName, throwOnError: true)!;
        return type.GetMethod(entry.MetadataName, BindingFlags.NonPublic | BindingFlags.Public | BindingFlags.Static)!
            .CreateDelegate<Func<object?[], Task<object?>>>();
    }
}

/// <summary>
/// Where a session's cells and what they refer to by <c>#r</c> are loaded. What the host shares with them always comes from the host.
/// </summary>
internal sealed class SessionLoadContext(int number) : AssemblyLoadContext($"notebook session {number}")
{
    private readonly Dictionary<string, string> _paths = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<string> _folders = [];
    private readonly List<string> _nativeFolders = [];

    /// <summary>Where an assembly is found when a cell first needs it.</summary>
    public void AddPath(string path) => _paths[Path.GetFileNameWithoutExtension(path)] = path;

    /// <summary>A folder whose assemblies and native libraries are found when they are needed.</summary>
    public void AddFolder(string folder)
    {
        _folders.Remove(folder);
        _folders.Insert(0, folder);
        AddNativeFolder(folder);
    }

    /// <summary>A folder with native libraries.</summary>
    public void AddNativeFolder(string folder)
    {
        if (!_nativeFolders.Contains(folder))
        {
            _nativeFolders.Add(folder);
        }
    }

    protected override Assembly? Load(AssemblyName assemblyName)
    {
        if (assemblyName.Name is not { } name || HostReferences.IsShared(name))
        {
            return null;
        }

        if (_paths.TryGetValue(name, out var path))
        {
            return LoadFromAssemblyPath(path);
        }

        return _folders.Select(folder => Path.Combine(folder, name + ".dll")).FirstOrDefault(File.Exists) is { } users ? LoadCopy(users) : null;
    }

    /// <summary>The user's own build output may be written anew while it is in use.</summary>
    private Assembly LoadCopy(string path)
    {
        using var assembly = new MemoryStream(File.ReadAllBytes(path));
        var symbols = Path.ChangeExtension(path, ".pdb");
        using var pdb = File.Exists(symbols) ? new MemoryStream(File.ReadAllBytes(symbols)) : null;
        return LoadFromStream(assembly, pdb);
    }

    protected override nint LoadUnmanagedDll(string unmanagedDllName)
    {
        foreach (var candidate in _nativeFolders.SelectMany(folder => Spellings(unmanagedDllName).Select(name => Path.Combine(folder, name))))
        {
            if (File.Exists(candidate) && NativeLibrary.TryLoad(candidate, out var handle))
            {
                return handle;
            }
        }

        return 0;
    }

    private static IEnumerable<string> Spellings(string name)
    {
        var extension = OperatingSystem.IsWindows() ? ".dll" : OperatingSystem.IsMacOS() ? ".dylib" : ".so";
        return [name, name + extension, "lib" + name + extension, "lib" + name];
    }
}
